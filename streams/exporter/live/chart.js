// Charts by uPlot, in the page's colours; they follow its size and its light or dark scheme.

import uPlot from "./vendor/uplot/uPlot.esm.js";
import { clock, figure } from "./format.js";

// What time is counted by: axes of durations have their lines at these steps.
const SECONDS = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600,
  1_200, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400, 172_800, 604_800, 2_592_000,
];
const charts = new Set();
const resized = new ResizeObserver((entries) => {
  for (const entry of entries) entry.target.chart?.fit(entry.contentRect.width);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const chart of charts) chart.draw();
});

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** A length in px that grows with the page's type. */
function rem(many) {
  return Math.round(many * parseFloat(getComputedStyle(document.documentElement).fontSize));
}

function faded(name, percent) {
  return `color-mix(in srgb, ${colour(name)} ${percent}%, transparent)`;
}

class Chart {
  constructor(element, height) {
    this.element = element;
    this.height = height;
    this.data = null;
    this.drawnAs = "";
    element.chart = this;
    charts.add(this);
    resized.observe(element);
  }

  /** Show data; uPlot is made anew only where what it looks like has changed. */
  set(data, look) {
    this.data = data;
    this.look = look;
    const drawnAs = JSON.stringify(look);
    if (this.plot && drawnAs === this.drawnAs) this.plot.setData(data);
    else this.draw();
  }

  draw() {
    if (!this.data) return;
    this.plot?.destroy();
    const width = Math.floor(this.element.clientWidth);
    if (width < 10) { this.plot = undefined; return; }
    this.drawnAs = JSON.stringify(this.look);
    this.plot = new uPlot({ width, height: this.height, ...this.options(this.look) }, this.data, this.element);
  }

  fit(width) {
    if (!this.plot) this.draw();
    else if (Math.floor(width) !== this.plot.width) {
      this.plot.setSize({ width: Math.floor(width), height: this.height });
    }
  }

  destroy() {
    charts.delete(this);
    resized.unobserve(this.element);
    this.plot?.destroy();
    this.plot = undefined;
  }
}

/** Room above and below, so that a line never lies on the edge; a flat line lies in the middle. */
function room(_plot, least, most) {
  if (least === null || most === null) return [0, 1];
  const spread = most - least || Math.abs(most) || 1;
  return [least - spread * 0.12, most + spread * 0.12];
}

/** A course without axes, the present marked by a dot. */
export class Spark extends Chart {
  constructor(element) {
    super(element, rem(2.75));
  }

  options({ tone }) {
    const stroke = colour(tone);
    return {
      cursor: { show: false },
      legend: { show: false },
      select: { show: false },
      padding: [4, 5, 3, 5],
      axes: [{ show: false }, { show: false }],
      scales: { x: { time: false }, y: { range: room } },
      series: [{}, {
        stroke, width: 1.5, fill: faded(tone, 10), spanGaps: true,
        points: {
          show: (plot) => plot.data[1].length > 0,
          filter: (plot) => [plot.data[1].findLastIndex((value) => value !== null)].filter((i) => i >= 0),
          size: 5, fill: stroke, stroke,
        },
      }],
    };
  }
}

/** Courses with axes. `look`: unit, currency, step, lines of {label, tone, dash, fill, aside}. */
export class Course extends Chart {
  constructor(element, height = 12.5) {
    super(element, rem(height));
  }

  options({ unit, currency, step, lines, start0 }) {
    const write = (value) => (value === null || value === undefined ? "" : figure(value, unit, currency));
    const font = `${rem(0.6875)}px ${getComputedStyle(document.body).fontFamily}`;
    const axis = {
      stroke: colour("text-dim"), font,
      grid: { stroke: colour("grid"), width: 1 },
      ticks: { show: false },
    };
    return {
      cursor: { y: false, points: { size: 7 } },
      hooks: {
        // Without a pointer over the chart the legend says what is now.
        setCursor: [(plot) => { if (plot.cursor.idx === null) sayLatest(plot); }],
        setData: [sayLatest],
        ready: [sayLatest],
      },
      legend: { live: true, markers: { width: 2 } },
      select: { show: false },
      padding: [10, 18, 0, 0],
      scales: { y: { range: start0 ? (_, __, most) => [0, (most || 1) * 1.15] : room } },
      axes: [
        { ...axis, grid: { show: false }, space: rem(4), size: rem(1.75), values: (_, ticks) => ticks.map((s) => clock(s * 1000, tickStep(ticks))) },
        { ...axis, incrs: unit === "seconds" ? SECONDS : undefined, space: rem(2.1), size: (_, values) => Math.max(...(values ?? [""]).map((v) => rem(0.75 + v.length * 0.39)), rem(2.25)), values: (_, ticks) => ticks.map(write) },
      ],
      series: [
        { value: (_, seconds) => (seconds === null ? "" : clock(seconds * 1000, Math.max(step, 1))) },
        ...lines.map(({ label, tone, dash, fill, aside }) => ({
          label, stroke: colour(tone), width: dash ? 1.25 : 1.75, dash,
          fill: fill ? faded(tone, 9) : undefined, auto: !aside,
          spanGaps: true, points: { show: false }, value: (_, value) => write(value) || "\u2013",
        })),
      ],
    };
  }
}

function sayLatest(plot) {
  const last = plot.data[0].length - 1;
  if (plot.legend.idx !== last) plot.setLegend({ idx: last }, false);
}

/** How far axis labels lie apart, in ms: it decides whether they show days or times. */
function tickStep(ticks) {
  const step = ticks.length > 1 ? (ticks[1] - ticks[0]) * 1000 : 60_000;
  return step >= 86_400_000 ? step : Math.min(step, 3_599_999);
}

const number = (value) => (value === null || value === undefined ? null : Number(value));

/** A course's points from the first that is known on, with the live value as the last. */
export function points(course, row) {
  const found = course.points.map(([at, value, before]) => [at / 1000, number(value), number(before)]);
  const first = found.findIndex(([, value]) => value !== null);
  const known = first < 0 ? [] : found.slice(first);
  if (row && row.value !== null) {
    const now = Math.max(row.window_end_ms / 1000, (known.at(-1)?.[0] ?? 0) + 1);
    known.push([now, Number(row.value), known.at(-1)?.[2] ?? null]);
  }
  return known;
}
