// What is known: definitions, rows as they change, how they went, the pipeline's health.

const HEALTH_KEPT = 240;

export const store = {
  definitions: "", // the catalogue as it was answered
  catalog: new Map(),
  families: new Map(),
  rows: new Map(), // KPI -> key -> row
  courses: new Map(), // key -> course
  health: null,
  healthAt: 0, // by this machine's clock
  rates: [], // [ms, events a second, delay s, dead letters a second] as seen since the page was opened
  window: "", // the one that is picked
  stale: "", // why the exporter has lost the tables; empty where it has not
  toldAt: 0, // by the exporter's clock
  loaded: false,
  coursesLoaded: false,
};

/** A row's identity as the exporter has it in "gone". */
function rowKey(row) {
  return [row.kpi, row.stat, row.window, ...Object.keys(row.dimensions), ...Object.values(row.dimensions)];
}

export function courseKey(row) {
  return [row.kpi, row.stat, row.window, ...Object.entries(row.dimensions).flat()].join("\u0000");
}

export function setCatalog(definitions) {
  store.definitions = JSON.stringify(definitions);
  store.catalog = new Map(definitions.map((d) => [d.kpi, d]));
  store.families = new Map();
  for (const definition of definitions) {
    const family = store.families.get(definition.family) ?? [];
    store.families.set(definition.family, [...family, definition]);
  }
}

export function forgetRows() {
  store.rows = new Map();
  store.courses = new Map();
  store.loaded = store.coursesLoaded = false;
}

/** Take in an event; returns the KPIs that changed. The first of a connection holds everything. */
export function takeRows(event, first) {
  const changed = new Set();
  if (first) {
    for (const kpi of store.rows.keys()) changed.add(kpi);
    store.rows = new Map();
  }
  for (const row of event.rows) {
    let rows = store.rows.get(row.kpi);
    if (!rows) store.rows.set(row.kpi, (rows = new Map()));
    rows.set(rowKey(row).join("\u0000"), row);
    changed.add(row.kpi);
  }
  for (const key of event.gone) {
    store.rows.get(key[0])?.delete(key.join("\u0000"));
    changed.add(key[0]);
  }
  store.loaded = true;
  return changed;
}

export function takeHealth(health) {
  const before = store.health;
  store.health = health;
  store.healthAt = Date.now();
  const passed = before ? (health.now_ms - before.now_ms) / 1000 : 0;
  if (passed > 0.5) {
    const gained = (name) => Math.max(0, counted(health, name) - counted(before, name)) / passed;
    const dead = Math.max(0, rejected(health) - rejected(before)) / passed;
    store.rates.push([health.now_ms, gained("events"), delayMs(health) / 1000, dead]);
    if (store.rates.length > HEALTH_KEPT) store.rates.shift();
  }
}

export function takeCourses(answer) {
  store.courses = new Map(answer.courses.map((course) => [courseKey(course), course]));
  store.coursesLoaded = true;
}

export function counted(health, name) {
  return health.partitions.reduce((sum, p) => sum + (p.counters[name] ?? 0), 0);
}

/** Dead letters by reason, over all partitions. */
export function reasons(health) {
  const found = new Map();
  for (const partition of health.partitions) {
    for (const [name, count] of Object.entries(partition.counters)) {
      if (!name.startsWith("rejected:")) continue;
      const reason = name.slice("rejected:".length);
      const entry = found.get(reason) ?? { count: 0, topics: new Map() };
      entry.count += count;
      entry.topics.set(partition.topic, (entry.topics.get(partition.topic) ?? 0) + count);
      found.set(reason, entry);
    }
  }
  return [...found].sort((a, b) => b[1].count - a[1].count);
}

export function rejected(health) {
  return reasons(health).reduce((sum, [, entry]) => sum + entry.count, 0);
}

/** The slowest partition's watermark delay; partitions without any record have none. */
export function delayMs(health) {
  return Math.max(0, ...health.partitions.map((p) => p.watermark_delay_ms ?? 0));
}

const isTotal = (row) => Object.keys(row.dimensions).every((name) => name === "currency");

/** A KPI's rows sorted out: its main figure, other stats and currencies, and the breakdown. */
export function picture(kpi) {
  const definition = store.catalog.get(kpi);
  const rows = [...(store.rows.get(kpi)?.values() ?? [])];
  const stat = definition.stats[0];
  const bySamples = (a, b) => b.samples - a.samples;
  const totals = rows.filter((row) => isTotal(row) && row.stat === stat).sort(bySamples);
  const main = totals.find((row) => row.value !== null) ?? totals[0] ?? null;
  const currency = main?.dimensions.currency;
  const alike = (row) => isTotal(row) && row.dimensions.currency === currency;
  const parts = rows.filter((row) => !isTotal(row) && row.stat === stat).sort(bySamples);
  const any = main ?? parts[0] ?? rows[0] ?? null;
  const course = main ? store.courses.get(courseKey(main)) ?? null : null;
  return {
    definition, main, parts, course,
    others: totals.filter((row) => row !== main && row.value !== null),
    stats: rows.filter((row) => alike(row) && row.stat !== stat && row.stat !== "change"),
    change: changeOf(rows.find((row) => alike(row) && row.stat === "change"), main, course),
    target: store.health?.targets[kpi] ?? definition.target,
    waiting: waitingFor(kpi, any?.window, any),
    window: any?.window ?? null,
  };
}

/** What a value gained on the window before: the KPI's own stat, else from its course. */
function changeOf(row, main, course) {
  if (row) return row.value === null ? null : Number(row.value);
  const before = course?.points.at(-1)?.[2];
  if (!main || main.value === null || before === null || before === undefined) return null;
  const base = Number(before);
  return base === 0 ? null : (Number(main.value) - base) / Math.abs(base);
}

function waitingFor(kpi, window, row) {
  const texts = store.health?.waiting[kpi];
  if (!texts || (row && row.value !== null)) return null;
  return (window ? texts[window] : null) ?? (row ? null : Object.values(texts)[0]) ?? null;
}

/** "ok", "off", or null where there is no target to be held against. */
export function targetState({ main, target, definition }) {
  if (!main || main.value === null || target === null || target === undefined) return null;
  if (definition.direction === "none") return null;
  const value = Number(main.value);
  return (definition.direction === "up" ? value >= target : value <= target) ? "ok" : "off";
}

/** How far a KPI's figures lie back now, in ms; null where nothing was ever counted. */
export function freshnessMs(kpi) {
  const age = store.health?.freshness_ms[kpi];
  return age === undefined || age === null ? null : age + (Date.now() - store.healthAt);
}
