// The page: what is looked at is in its address; the exporter pushes what changes.

import { Stream, Refused, getJson, hasToken, keepToken } from "./api.js";
import { h, setText, show } from "./dom.js";
import { clock, title, windowName } from "./format.js";
import { Family } from "./family.js";
import { Overview } from "./overview.js";
import { Pipeline } from "./pipeline.js";
import { forgetRows, setCatalog, store, takeCourses, takeHealth, takeRows } from "./store.js";

const OVERVIEW = "overview";
const PIPELINE = "pipeline";
const WINDOW = "1h";
const DIMENSIONS_TOP = 8;
const SPREAD_MS = 5_000; // pages do not ask for courses all at once
const COURSE_RETRY_MS = 15_000;
const SIZES = { m: 60, h: 3_600, d: 86_400 };
const CALENDAR = { day_to_date: 1e9, month_to_date: 2e9, quarter_to_date: 3e9, year_to_date: 4e9 };

const element = (id) => document.getElementById(id);
const main = element("main");
let view = null;
let stream = null;
let shown = {}; // view, focus, window, by, final: what the address says
let streamed = "";
let first = true;
let cutAt = null;
let coursesTimer = 0;
let coursesAsked = 0;
let pending = null;

// --- the address -------------------------------------------------------------------------------

function readAddress() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, focus] = path.split("/").map(decodeURIComponent);
  const asked = new URLSearchParams(query);
  const known = name === PIPELINE || store.families.has(name);
  const found = { view: known ? name : OVERVIEW, focus: focus ?? "" };
  const windows = windowsOf(found.view);
  const window = asked.get("window") ?? shown.window ?? WINDOW;
  found.window = windows.includes(window) ? window : windows.includes(WINDOW) ? WINDOW : windows[0];
  const by = asked.get("by") ?? shown.by ?? "";
  found.by = setsOf(found.view).includes(by) ? by : "";
  found.final = asked.has("final") ? asked.get("final") === "true" : shown.final ?? false;
  return found;
}

function address(change) {
  const { view: name, focus, window, by, final } = { ...shown, ...change };
  const query = new URLSearchParams({ window });
  if (by) query.set("by", by);
  if (final) query.set("final", "true");
  return `#/${encodeURIComponent(name)}${focus ? `/${encodeURIComponent(focus)}` : ""}?${query}`;
}

function membersOf(name) {
  return store.families.get(name) ?? [...store.catalog.values()];
}

const length = (window) => CALENDAR[window] ?? parseInt(window, 10) * SIZES[window.at(-1)];

function windowsOf(name) {
  const found = new Set(membersOf(name).flatMap((d) => d.windows));
  return [...found].sort((a, b) => length(a) - length(b));
}

function setsOf(name) {
  const found = new Set(membersOf(name).flatMap((d) => d.by).filter((by) => by !== "total"));
  return [...found].sort((a, b) => a.split(",").length - b.split(",").length || a.localeCompare(b));
}

// --- what is on the page -----------------------------------------------------------------------

function route() {
  const before = shown;
  shown = readAddress();
  store.window = shown.window;
  showViews();
  showControls();
  if (!view || before.view !== shown.view || before.focus !== shown.focus) showView();
  follow();
}

function showViews() {
  const names = [OVERVIEW, ...store.families.keys(), PIPELINE];
  if (!element("views").children.length) {
    element("views").append(...names.map((name) => h("li", {}, h("a", { "data-view": name }, title(name)))));
  }
  for (const link of element("views").querySelectorAll("a")) {
    const name = link.dataset.view;
    link.href = address({ view: name, focus: "" });
    if (name === shown.view) {
      if (!link.hasAttribute("aria-current")) link.scrollIntoView({ block: "nearest", inline: "center" });
      link.setAttribute("aria-current", "page");
    } else link.removeAttribute("aria-current");
  }
  document.title = `${title(shown.view)} \u00b7 KPIs, live`;
}

function showControls() {
  const piped = shown.view === PIPELINE;
  show(element("controls"), !piped);
  if (piped) return;
  const windows = windowsOf(shown.view);
  const track = element("windows");
  if (track.dataset.windows !== windows.join()) {
    track.dataset.windows = windows.join();
    track.replaceChildren(...windows.map((window) => h("label", {},
      h("input", { type: "radio", name: "window", value: window, onchange: () => go({ window }) }),
      h("span", {}, windowName(window)))));
  }
  for (const radio of track.querySelectorAll("input")) radio.checked = radio.value === shown.window;
  const sets = setsOf(shown.view);
  const by = element("by");
  if (by.dataset.sets !== sets.join(";")) {
    by.dataset.sets = sets.join(";");
    by.replaceChildren(h("option", { value: "" }, "nothing"),
      ...sets.map((set) => h("option", { value: set }, set.split(",").map((d) => d.replaceAll("_", " ")).join(" \u00d7 "))));
  }
  by.value = shown.by;
  element("final").checked = shown.final;
}

function go(change) {
  location.hash = address(change);
}

function showView() {
  view?.destroy();
  main.replaceChildren();
  if (shown.view === PIPELINE) view = new Pipeline(main);
  else if (shown.view === OVERVIEW) view = new Overview(main);
  else view = new Family(main, shown.view, shown.focus);
  view.update(null);
  if (!shown.focus) window.scrollTo(0, 0);
}

/** Paint what changed, once a frame. */
function changed(kpis) {
  if (!pending) {
    requestAnimationFrame(() => {
      const found = pending;
      pending = null;
      view?.update(found.all ? null : found.kpis);
    });
    pending = { kpis: new Set(), all: false };
  }
  if (kpis) for (const kpi of kpis) pending.kpis.add(kpi);
  else pending.all = true;
}

function skeletons() {
  main.replaceChildren(h("div", { class: "grid headlines", "aria-hidden": "true" },
    Array.from({ length: 4 }, () => h("div", { class: "tile large skeleton" }, h("i"), h("i"), h("i")))),
  h("div", { class: "grid", "aria-hidden": "true" },
    Array.from({ length: 12 }, () => h("div", { class: "tile skeleton" }, h("i"), h("i"), h("i")))));
}

// --- what is followed --------------------------------------------------------------------------

function query() {
  const asked = new URLSearchParams({ window: shown.window, nearest: "true", top: DIMENSIONS_TOP });
  asked.set("by", shown.by ? `total;${shown.by}` : "total");
  if (store.families.has(shown.view)) asked.set("kpi", membersOf(shown.view).map((d) => d.kpi).join());
  return asked;
}

function follow() {
  const courses = query();
  const asked = query();
  if (shown.final) asked.set("final", "true");
  asked.set("health", "true");
  const path = `/api/v1/stream?${asked}`;
  if (path === streamed) return;
  streamed = path;
  main.setAttribute("aria-busy", "true");
  forgetRows();
  changed(null);
  stream?.close();
  first = true;
  stream = new Stream(path, {
    open: () => {
      if (cutAt) checkCatalog();
      cutAt = null;
      first = true;
      showStatus();
    },
    event: (name, data) => {
      if (name === "health") { takeHealth(data); changed(null); return; }
      changed(takeRows(data, first));
      first = false;
      main.setAttribute("aria-busy", "false");
      store.stale = data.stale ? data.reason : "";
      store.toldAt = data.now_ms;
      showStatus();
    },
    cut: (reason, retryAt) => { cutAt = { reason, retryAt }; showStatus(); },
    refused: () => askForToken(),
  });
  courses.set("by", "total");
  askForCourses(`/api/v1/history?${courses}`, ++coursesAsked);
}

/** After a cut the exporter may be another one, with other KPIs. */
async function checkCatalog() {
  const definitions = await getJson("/api/v1/catalog").catch(() => null);
  if (definitions && JSON.stringify(definitions) !== store.definitions) location.reload();
}

async function askForCourses(path, number) {
  clearTimeout(coursesTimer);
  let wait = COURSE_RETRY_MS;
  try {
    const answer = await getJson(path);
    if (number !== coursesAsked) return;
    takeCourses(answer);
    changed(null);
    wait = Math.max(1_000, answer.until_ms - answer.now_ms) + Math.random() * SPREAD_MS;
  } catch (error) {
    if (number !== coursesAsked || error instanceof Refused) return;
  }
  coursesTimer = setTimeout(() => askForCourses(path, number), wait);
}

// --- how it is going ---------------------------------------------------------------------------

function showStatus() {
  const status = element("status");
  const banner = element("banner");
  const state = cutAt ? "cut" : store.stale ? "stale" : store.loaded ? "live" : "connecting";
  status.dataset.state = state;
  document.body.dataset.state = state;
  const words = { cut: "Reconnecting", stale: "Stale", live: "Live", connecting: "Connecting" };
  setText(element("status-text"), words[state]);
  show(banner, state === "cut" || state === "stale");
  if (banner.hidden) { banner.dataset.text = ""; return; }
  const since = store.toldAt ? ` The figures are those of ${clock(store.toldAt, 1_000)}.` : "";
  const text = state === "cut" ? `The stream is cut: ${cutAt.reason}.${since}` : `The exporter has lost the tables: ${store.stale}.${since}`;
  if (banner.dataset.text !== text) {
    banner.dataset.text = text;
    banner.replaceChildren(h("span", {}, text),
      ...(state === "cut" ? [h("span", { class: "countdown", "aria-hidden": "true" }), h("button", { type: "button", onclick: () => stream.now() }, "Try now")] : []));
  }
  countDown();
}

function countDown() {
  const text = document.querySelector(".countdown");
  if (!text || !cutAt) return;
  const left = Math.ceil((cutAt.retryAt - Date.now()) / 1000);
  setText(text, left > 0 ? `Trying again in ${left} s` : "Trying again \u2026");
}

function askForToken() {
  const dialog = element("login");
  setText(element("login-fault"), hasToken() ? "This token was not accepted." : "");
  keepToken("");
  if (!dialog.open) dialog.showModal();
}

element("login-form").addEventListener("submit", (event) => {
  event.preventDefault();
  keepToken(element("token").value);
  element("token").value = "";
  element("login").close();
  streamed = "";
  start();
});
element("login").addEventListener("cancel", (event) => event.preventDefault());
element("by").addEventListener("change", () => go({ by: element("by").value }));
element("final").addEventListener("change", () => go({ final: element("final").checked }));
element("controls").addEventListener("submit", (event) => event.preventDefault());
element("skip").addEventListener("click", (event) => { event.preventDefault(); main.focus(); });
window.addEventListener("hashchange", () => { if (store.catalog.size) route(); });
setInterval(() => { view?.tick(); countDown(); }, 1_000);

async function start(failures = 0) {
  try {
    if (!store.catalog.size) setCatalog(await getJson("/api/v1/catalog"));
  } catch (error) {
    if (error instanceof Refused) { askForToken(); return; }
    const wait = Math.min(30_000, 1_000 * 2 ** failures);
    cutAt = { reason: error.message, retryAt: Date.now() + wait };
    showStatus();
    setTimeout(() => start(failures + 1), wait);
    return;
  }
  cutAt = null;
  element("foot").replaceChildren(`${store.catalog.size} KPIs \u00b7 `, h("a", { href: "/metrics" }, "Prometheus"), " \u00b7 ", h("a", { href: "/api/v1/kpis?by=total" }, "JSON"));
  route();
}

skeletons();
showStatus();
start();
