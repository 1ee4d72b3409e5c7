// One KPI as a tile: value, target, change, course and freshness, each also in words.

import { Spark, points } from "./chart.js";
import { h, icon, reconcile, setAttribute, setIcon, setText, show } from "./dom.js";
import { ABSENT, age, beforeWords, dimensionValue, figure, signedPercent, windowName, windowWords } from "./format.js";
import { freshnessMs, picture, store, targetState } from "./store.js";

const FRESH_MS = 60_000;
const OLD_MS = 600_000;
const STATS = { mean: "mean", p50: "median", p90: "p90", p95: "p95" };

const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) entry.target.tile?.appear(entry.isIntersecting);
}, { rootMargin: "200px" });

export class Tile {
  /** `large` for headline KPIs; `partsMax`: values of a breakdown that fit. */
  constructor(definition, { large = false, partsMax = 3, level = 3 } = {}) {
    this.kpi = definition.kpi;
    this.definition = definition;
    this.partsMax = partsMax;
    this.visible = false;
    this.build(large, level);
    this.element.tile = this;
    seen.observe(this.element);
  }

  build(large, level) {
    const id = `tile-${this.kpi}`;
    const to = `#/${encodeURIComponent(this.definition.family)}/${encodeURIComponent(this.kpi)}`;
    this.window = h("span", { class: "chip" });
    this.value = h("data", { class: "value" });
    this.stat = h("span", { class: "stat" });
    this.note = h("p", { class: "note", hidden: true });
    this.also = h("ul", { class: "also" });
    this.targetIcon = icon("ok");
    this.targetText = h("span");
    this.target = h("span", { class: "target", hidden: true }, this.targetIcon, this.targetText);
    this.changeIcon = icon("up");
    this.changeText = h("data");
    this.changeWords = h("span", { class: "unseen" });
    this.changeOn = h("span", { class: "on", "aria-hidden": "true" });
    this.change = h("span", { class: "change", hidden: true }, this.changeIcon, this.changeText, this.changeOn, this.changeWords);
    this.parts = h("ol", { class: "parts" });
    this.spark = h("div", { class: "spark", "aria-hidden": "true" });
    this.course = h("p", { class: "unseen" });
    this.fresh = h("span", { class: "fresh" });
    this.marks = h("span", { class: "marks" });
    this.element = h("article", { class: large ? "tile large" : "tile", "aria-labelledby": id, "data-kpi": this.kpi },
      h("div", { class: "head" },
        h(`h${level}`, { id, class: "label" }, h("a", { href: to, title: this.definition.description }, this.definition.label)),
        this.window),
      h("p", { class: "figure" }, this.value, this.stat),
      this.note, this.also,
      h("p", { class: "meta" }, this.target, this.change),
      this.parts, this.spark, this.course,
      h("p", { class: "below" }, this.fresh, this.marks));
  }

  update() {
    const seenNow = picture(this.kpi);
    const { main, waiting, window } = seenNow;
    this.picture = seenNow;
    this.element.dataset.state = waiting ? "waiting" : targetState(seenNow) ?? "none";
    const other = window !== null && window !== store.window;
    show(this.window, other);
    setText(this.window, other ? windowName(window) : "");
    setAttribute(this.window, "title", other ? `It is kept over ${windowWords(window)}, not over ${windowWords(store.window)}` : null);
    this.showValue(seenNow);
    this.showNote(seenNow);
    reconcile(this.also, [...seenNow.stats, ...seenNow.others].map((r) => `${r.stat} ${r.dimensions.currency ?? ""}`),
      () => h("li", {}, h("span"), " ", h("data")),
      (item, key) => {
        const row = [...seenNow.stats, ...seenNow.others].find((r) => `${r.stat} ${r.dimensions.currency ?? ""}` === key);
        setText(item.firstChild, row.stat === "value" || row.stat === this.definition.stats[0] ? row.dimensions.currency : STATS[row.stat] ?? row.stat);
        setText(item.lastChild, figure(row.value, row.unit, row.dimensions.currency));
        setAttribute(item.lastChild, "value", row.value ?? "");
      });
    this.showTarget(seenNow);
    this.showChange(seenNow);
    showParts(this.parts, seenNow, this.partsMax);
    this.showMarks(waiting ? null : main ?? seenNow.parts[0]);
    this.tick();
    this.drawSpark();
  }

  showValue({ main, parts, waiting, definition }) {
    const only = !main && parts.some((row) => row.value !== null);
    show(this.value.parentElement, !only);
    const currency = main?.dimensions.currency;
    setText(this.value, waiting || !main ? ABSENT : figure(main.value, main.unit, currency));
    setAttribute(this.value, "value", main && !waiting ? main.value ?? "" : "");
    setAttribute(this.value, "aria-label", main && main.value !== null && !waiting ? null : "no value");
    const stat = definition.stats[0];
    setText(this.stat, stat === "value" ? "" : STATS[stat] ?? stat);
    this.element.classList.toggle("by-parts", only);
  }

  showNote({ main, parts, waiting }) {
    let text = "";
    if (waiting) text = waiting.charAt(0).toUpperCase() + waiting.slice(1);
    else if (!main && !parts.length) text = store.loaded ? "No figures yet" : "";
    else if (main && main.value === null) text = main.samples ? "Undefined in this window" : "Nothing counted in this window";
    show(this.note, text !== "");
    if (this.note.dataset.text !== text) {
      this.note.dataset.text = text;
      this.note.replaceChildren(...(waiting ? [icon("wait")] : []), text);
    }
  }

  showTarget(seenNow) {
    const { main, target, definition } = seenNow;
    const known = target !== null && target !== undefined;
    show(this.target, known);
    if (!known) return;
    const state = targetState(seenNow);
    const shown = figure(target, definition.unit, main?.dimensions.currency);
    const miss = definition.direction === "up" ? "below" : "above";
    setText(this.targetText, state === "ok" ? `On target ${definition.direction === "up" ? "\u2265" : "\u2264"} ${shown}` : state === "off" ? `${miss.charAt(0).toUpperCase()}${miss.slice(1)} target ${shown}` : `Target ${shown}`);
    this.target.dataset.state = state ?? "none";
    this.targetIcon.style.display = state === null ? "none" : "";
    setIcon(this.targetIcon, state === "off" ? "off" : "ok");
  }

  showChange({ change, definition, window, waiting }) {
    const known = change !== null && !waiting;
    show(this.change, known);
    if (!known) return;
    const shown = signedPercent(change);
    const flat = !/[1-9]/.test(shown);
    const rises = change > 0;
    const better = definition.direction === "none" || flat ? null : rises === (definition.direction === "up");
    setIcon(this.changeIcon, flat ? "flat" : rises ? "up" : "down");
    setText(this.changeText, shown);
    setAttribute(this.changeText, "value", change);
    setText(this.changeWords, ` against ${beforeWords(window)}${better === null ? "" : better ? ", better" : ", worse"}`);
    setText(this.changeOn, `on ${beforeWords(window)}`);
    setAttribute(this.change, "title", `against ${beforeWords(window)}`);
    this.change.dataset.state = better === null ? "none" : better ? "ok" : "off";
  }

  showMarks(row) {
    const marks = [];
    if (row?.provisional) marks.push(["provisional", "the window is still open: the value can change"]);
    if (row && !row.complete) marks.push(["incomplete", "part of the window is no longer, or was never, stored"]);
    reconcile(this.marks, marks.map(([mark]) => mark),
      (mark) => h("span", { class: `mark ${mark}`, title: marks.find(([m]) => m === mark)[1] }, mark),
      () => {});
    this.value.classList.toggle("is-provisional", Boolean(row?.provisional));
  }

  /** What changes with the clock alone. */
  tick() {
    const ms = freshnessMs(this.kpi);
    const state = ms === null ? "none" : ms < FRESH_MS ? "fresh" : ms < OLD_MS ? "aging" : "old";
    this.fresh.dataset.state = state;
    setText(this.fresh, ms === null ? "no data yet" : `${age(ms)} old`);
  }

  appear(visible) {
    this.visible = visible;
    if (visible) this.drawSpark();
  }

  drawSpark() {
    const { course, main, definition, waiting } = this.picture ?? {};
    const known = course && !waiting ? points(course, main) : [];
    const drawable = known.length > 1;
    this.spark.dataset.state = drawable ? "drawn" : store.coursesLoaded ? "empty" : "loading";
    if (!drawable) {
      setText(this.course, "");
      this.plot?.destroy();
      this.plot = undefined;
      return;
    }
    if (!this.visible) return;
    this.plot ??= new Spark(this.spark);
    const state = targetState(this.picture);
    this.plot.set([known.map(([at]) => at), known.map(([, value]) => value)],
      { tone: state === "off" ? "off" : state === "ok" ? "ok" : "accent" });
    const say = (value) => figure(value, definition.unit, main?.dimensions.currency);
    const values = known.map(([, value]) => value).filter((value) => value !== null);
    setText(this.course, `Over ${age((known.at(-1)[0] - known[0][0]) * 1000)}: between ${say(Math.min(...values))} and ${say(Math.max(...values))}, in ${windowWords(main.window)} each.`);
  }

  destroy() {
    seen.unobserve(this.element);
    this.plot?.destroy();
  }
}

/** The largest values of a breakdown, as bars with their figures. */
export function showParts(list, { parts, definition }, most) {
  const shown = parts.filter((row) => row.value !== null).slice(0, most);
  const key = (row) => Object.values(row.dimensions).join("\u0000");
  const largest = Math.max(0, ...shown.map((row) => Math.abs(Number(row.value))));
  show(list, shown.length > 0);
  reconcile(list, shown.map(key),
    () => h("li", {}, h("span", { class: "name" }), h("data"), h("span", { class: "bar", "aria-hidden": "true" }, h("i"))),
    (item, name) => {
      const row = shown.find((one) => key(one) === name);
      const [label, value, bar] = item.children;
      const names = Object.entries(row.dimensions).filter(([d]) => d !== "currency").map(([, v]) => dimensionValue(v));
      setText(label, names.join(" \u00b7 "));
      setAttribute(label, "title", names.join(" \u00b7 "));
      setText(value, figure(row.value, row.unit, row.dimensions.currency));
      setAttribute(value, "value", row.value);
      setAttribute(value, "title", `${row.samples} ${definition.unit === "count" ? "counted" : "samples"}`);
      bar.firstChild.style.width = `${largest ? Math.max(1, (Math.abs(Number(row.value)) / largest) * 100) : 0}%`;
    });
}
