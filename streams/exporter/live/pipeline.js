// How the figures come about: throughput, delays, late and repeated events, dead letters, inputs.

import { Course } from "./chart.js";
import { h, icon, reconcile, setAttribute, setText, show } from "./dom.js";
import { ABSENT, age, count, duration, figure, title, windowName } from "./format.js";
import { counted, delayMs, reasons, rejected, store } from "./store.js";

const DELAY_MS_MAX = 90_000; // beyond the lateness that is allowed
const CHECKPOINT_MS_MAX = 30_000;
const RATE_OVER_MS = 30_000;

export class Pipeline {
  constructor(main) {
    this.tiles = new Map();
    this.grid = h("div", { class: "grid" });
    this.throughput = h("div", { class: "plot", role: "img", "aria-label": "Events a second since the page was opened" });
    this.delay = h("div", { class: "plot", role: "img", "aria-label": "Watermark delay since the page was opened" });
    this.deadRows = h("tbody");
    this.deadNone = h("p", { class: "empty" }, "No record was ever rejected.");
    this.deadTable = table("Dead letters by reason", ["Reason", "Records", "Share", "Topics"], this.deadRows);
    this.partitionRows = h("tbody");
    this.waitRows = h("tbody");
    this.waitNone = h("p", { class: "empty" }, "No KPI waits for an outside input.");
    this.waitTable = table("Inputs that KPIs wait for", ["Input", "Last seen", "KPIs (windows)"], this.waitRows);
    main.append(
      h("h2", { class: "page-title" }, "Pipeline"),
      this.grid,
      h("div", { class: "panels" },
        panel("Throughput", "events a second, since this page was opened", this.throughput),
        panel("Watermark delay", "how far final values lie back", this.delay),
        panel("Dead letters", "records that were rejected, since each partition began; they lie in tracking.dead-letter with their original bytes", this.deadNone, this.deadTable),
        panel("Waiting for input", "KPIs that are absent because nobody has published what they read", this.waitNone, this.waitTable)),
      panel("Partitions", "", table("Partitions", ["Topic", "Partition", "Events", "Watermark delay", "Last checkpoint", "Late", "Duplicates", "Rejected", "Offset"], this.partitionRows)));
    this.update();
  }

  update() {
    const health = store.health;
    if (!health) return;
    const recent = store.rates.filter(([at]) => at > health.now_ms - RATE_OVER_MS);
    const mean = (place) => (recent.length ? recent.reduce((sum, rate) => sum + rate[place], 0) / recent.length : null);
    const ages = health.partitions.map((p) => p.checkpoint_age_ms).filter((ms) => ms !== null);
    const oldest = ages.length ? Math.max(...ages) : null;
    const delay = delayMs(health);
    const dead = rejected(health);
    this.stat("events", "Events a second", mean(1) === null ? ABSENT : count(Math.round(mean(1) * 10) / 10), `${count(counted(health, "events"))} counted in all`);
    this.stat("delay", "Watermark delay", duration(delay), `slowest partition; ${duration(health.allowed_lateness_ms)} of it is for late events`, delay < health.allowed_lateness_ms + DELAY_MS_MAX ? "ok" : "off");
    this.stat("checkpoint", "Oldest checkpoint", oldest === null ? ABSENT : `${age(oldest)} ago`, `${health.partitions.length} partitions`, oldest === null ? null : oldest < CHECKPOINT_MS_MAX ? "ok" : "off");
    this.stat("dead", "Dead letters", count(dead), mean(3) ? `${count(Math.round(mean(3) * 100) / 100)} a second now` : "none now", mean(3) ? "off" : null);
    this.stat("late", "Late events", count(counted(health, "late")), "counted all the same");
    this.stat("unkeyed", "Too late for keyed figures", count(counted(health, "late_unkeyed")), "counted in plain measures only");
    this.stat("duplicates", "Duplicates", count(counted(health, "duplicates")), "seen before, not counted again");
    this.stat("exporter", "Exporter", health.stale ? "stale" : "current", health.reason || `tables answered ${age(health.update_age_ms ?? 0)} ago`, health.stale ? "off" : "ok");
    this.charts();
    this.dead(reasons(health), dead);
    this.waiting(health);
    this.partitions(health);
  }

  stat(key, label, value, note, state = null) {
    let tile = this.tiles.get(key);
    if (!tile) {
      const parts = { value: h("data", { class: "value" }), note: h("p", { class: "note" }), icon: icon("ok") };
      parts.element = h("article", { class: "tile", "aria-label": label, "data-stat": key },
        h("div", { class: "head" }, h("h3", { class: "label" }, label), parts.icon),
        h("p", { class: "figure" }, parts.value), parts.note);
      this.tiles.set(key, (tile = parts));
      this.grid.append(tile.element);
    }
    tile.element.dataset.state = state ?? "none";
    tile.icon.style.display = state ? "" : "none";
    tile.icon.firstChild.setAttribute("href", state === "off" ? "#i-off" : "#i-ok");
    setText(tile.value, value);
    setText(tile.note, note);
  }

  charts() {
    if (store.rates.length < 2) return;
    const at = store.rates.map(([ms]) => ms / 1000);
    this.rate ??= new Course(this.throughput, 10.6);
    this.rate.set([at, store.rates.map((r) => r[1])],
      { unit: "count", step: 1, start0: true, lines: [{ label: "events a second", tone: "accent", fill: true }] });
    this.delayPlot ??= new Course(this.delay, 10.6);
    this.delayPlot.set([at, store.rates.map((r) => r[2])],
      { unit: "seconds", step: 1, start0: true, lines: [{ label: "slowest partition", tone: "series-2", fill: true }] });
  }

  dead(found, total) {
    show(this.deadNone, found.length === 0);
    show(this.deadTable, found.length > 0);
    const byReason = new Map(found);
    reconcile(this.deadRows, found.map(([reason]) => reason),
      (reason) => h("tr", {}, h("th", { scope: "row" }, title(reason)), h("td", { class: "n" }, h("data")), h("td", { class: "n" }), h("td", { class: "long" })),
      (line, reason) => {
        const { count: many, topics } = byReason.get(reason);
        setText(line.children[1].firstChild, count(many));
        setAttribute(line.children[1].firstChild, "value", many);
        setText(line.children[2], figure(many / total, "ratio"));
        setText(line.children[3], [...topics.keys()].sort().join(", "));
      });
  }

  /** By input: which KPIs lack it, and in which windows. */
  waiting(health) {
    const inputs = new Map();
    for (const [kpi, texts] of Object.entries(health.waiting)) {
      for (const [window, text] of Object.entries(texts)) {
        for (const one of text.split("; ")) {
          const [, input, last] = /^waiting for (.*), ([^,]*)$/.exec(one) ?? [null, one, ""];
          const entry = inputs.get(input) ?? { last, kpis: new Map() };
          entry.kpis.set(kpi, [...(entry.kpis.get(kpi) ?? []), windowName(window)]);
          inputs.set(input, entry);
        }
      }
    }
    show(this.waitNone, inputs.size === 0);
    show(this.waitTable, inputs.size > 0);
    reconcile(this.waitRows, [...inputs.keys()],
      (input) => h("tr", {}, h("th", { scope: "row" }, input), h("td"), h("td", { class: "long" })),
      (line, input) => {
        const { last, kpis } = inputs.get(input);
        setText(line.children[1], last);
        setText(line.children[2], [...kpis].map(([kpi, windows]) => `${store.catalog.get(kpi)?.label ?? kpi} (${windows.join(", ")})`).join(", "));
      });
  }

  partitions(health) {
    const byKey = new Map(health.partitions.map((p) => [`${p.topic}/${p.partition}`, p]));
    reconcile(this.partitionRows, [...byKey.keys()],
      (key) => h("tr", {}, h("th", { scope: "row" }, byKey.get(key).topic), ...Array.from({ length: 8 }, () => h("td", { class: "n" }))),
      (line, key) => {
        const p = byKey.get(key);
        const dead = Object.entries(p.counters).reduce((sum, [name, many]) => sum + (name.startsWith("rejected:") ? many : 0), 0);
        const cells = [p.partition, count(p.counters.events ?? 0),
          p.watermark_delay_ms === null ? "no record yet" : duration(p.watermark_delay_ms),
          p.checkpoint_age_ms === null ? ABSENT : `${age(p.checkpoint_age_ms)} ago`,
          count(p.counters.late ?? 0), count(p.counters.duplicates ?? 0), count(dead),
          p.offset === null ? ABSENT : String(p.offset)];
        cells.forEach((text, place) => setText(line.children[place + 1], String(text)));
      });
  }

  tick() {}

  destroy() {
    this.rate?.destroy();
    this.delayPlot?.destroy();
  }
}

function table(caption, columns, body) {
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h("table", {}, h("caption", { class: "unseen" }, caption),
      h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col" }, name)))), body));
}

function panel(heading, note, ...content) {
  return h("section", { class: "panel" }, h("h3", {}, heading), note ? h("p", { class: "about" }, note) : null, ...content);
}
