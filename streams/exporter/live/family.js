// One family: each KPI with its course, the window before laid over it, and its breakdown.

import { Course, points } from "./chart.js";
import { h, reconcile, setText, show } from "./dom.js";
import { ABSENT, beforeWords, clock, figure, title, windowName } from "./format.js";
import { courseKey, picture, store } from "./store.js";
import { Tile } from "./tile.js";

const TONES = ["accent", "series-2", "series-3", "series-4"];
const ROWS = 12;
const PARTS_MAX = 8;

export class Family {
  constructor(main, family, focus) {
    const members = store.families.get(family) ?? [];
    this.cards = new Map(members.map((d) => [d.kpi, new Card(d)]));
    main.append(
      h("h2", { class: "page-title" }, title(family)),
      h("div", { class: "cards" }, [...this.cards.values()].map((card) => card.element)));
    const card = this.cards.get(focus);
    if (card) requestAnimationFrame(() => card.focus());
  }

  update(changed) {
    for (const [kpi, card] of this.cards) if (!changed || changed.has(kpi)) card.update();
  }

  tick() {
    for (const card of this.cards.values()) card.tile.tick();
  }

  destroy() {
    for (const card of this.cards.values()) card.destroy();
  }
}

function isFar(target, courses) {
  const values = courses.flat().filter((value) => value !== null);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const spread = most - least || Math.abs(most) || 1;
  return target > most + 1.5 * spread || target < least - 1.5 * spread;
}

class Card {
  constructor(definition) {
    this.kpi = definition.kpi;
    this.tile = new Tile(definition, { partsMax: PARTS_MAX, level: 3 });
    this.plotBox = h("div", { class: "plot", role: "img" });
    this.empty = h("p", { class: "empty" });
    this.rows = h("tbody");
    this.before = h("th", { scope: "col" });
    this.table = h("details", { class: "table", ontoggle: () => this.draw() },
      h("summary", {}, "Figures of the chart"),
      h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Figures of ${definition.label}` },
        h("table", {}, h("caption", { class: "unseen" }, definition.label),
          h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Window\u2019s end"), h("th", { scope: "col" }, "Value"), this.before)),
          this.rows)));
    const better = { up: " Higher is better.", down: " Lower is better." }[definition.direction] ?? "";
    this.element = h("div", { class: "card", tabindex: "-1" },
      this.tile.element,
      h("div", { class: "course" }, this.plotBox, this.empty, this.table,
        h("p", { class: "about" }, `${definition.description}${better}`, h("br"), h("span", { class: "formula" }, definition.formula))));
  }

  focus() {
    this.element.scrollIntoView({ block: "start" });
    this.element.focus({ preventScroll: true });
  }

  update() {
    this.tile.update();
    this.draw();
  }

  draw() {
    const { main, course, stats, definition, waiting, parts, target } = picture(this.kpi);
    const known = course && !waiting ? points(course, main) : [];
    const drawable = known.length > 1;
    show(this.plotBox, drawable);
    show(this.empty, !drawable);
    show(this.table, drawable);
    this.plotBox.dataset.state = drawable ? "drawn" : "empty";
    if (!drawable) {
      setText(this.empty, waiting ? "Nothing to draw while an input is missing."
        : !main && parts.length ? "Not kept in total: see the largest values beside."
        : store.coursesLoaded ? "No course yet: its windows began before the first event." : "");
      this.plot?.destroy();
      this.plot = undefined;
      return;
    }
    const currency = main.dimensions.currency;
    const lines = [{ label: definition.stats[0] === "value" ? windowName(main.window) : definition.stats[0], tone: TONES[0], fill: true }];
    const data = [known.map(([at]) => at), known.map(([, value]) => value)];
    const others = stats.map((row) => [row, store.courses.get(courseKey(row))]).filter(([, found]) => found);
    others.forEach(([row, found], position) => {
      const values = new Map(points(found, row).map(([at, value]) => [at, value]));
      lines.push({ label: row.stat, tone: TONES[position + 1] ?? TONES[0] });
      data.push(known.map(([at]) => values.get(at) ?? null));
    });
    if (!others.length) {
      lines.push({ label: beforeWords(main.window), tone: "text-dim", dash: [4, 4] });
      data.push(known.map(([, , before]) => before));
    }
    if (target !== null && target !== undefined) {
      // A target far off would press the course flat: then only the legend has it.
      lines.push({ label: "target", tone: "target", dash: [2, 3], aside: isFar(target, data.slice(1)) });
      data.push(known.map(() => target));
    }
    this.plot ??= new Course(this.plotBox);
    this.plot.set(data, { unit: definition.unit, currency, step: course.step_ms, lines });
    const say = (value) => (value === null ? ABSENT : figure(value, definition.unit, currency));
    const values = known.map(([, value]) => value).filter((value) => value !== null);
    this.plotBox.setAttribute("aria-label",
      `${definition.label} from ${clock(known[0][0] * 1000, course.step_ms)} to now: between ${say(Math.min(...values))} and ${say(Math.max(...values))}, now ${say(values.at(-1))}`);
    if (this.table.open) this.showTable(known, say, course, beforeWords(main.window));
  }

  showTable(known, say, course, before) {
    setText(this.before, title(before));
    const shown = known.slice(-ROWS).reverse();
    reconcile(this.rows, shown.map(([at]) => String(at)),
      () => h("tr", {}, h("th", { scope: "row" }), h("td"), h("td")),
      (line, key) => {
        const [at, value, then] = shown.find(([one]) => String(one) === key);
        setText(line.children[0], clock(at * 1000, Math.max(course.step_ms, 1)));
        setText(line.children[1], say(value));
        setText(line.children[2], say(then));
      });
  }

  destroy() {
    this.tile.destroy();
    this.plot?.destroy();
  }
}
