// Figures as people read them: by unit, in the browser's language, digits of one width (CSS).

export const ABSENT = "\u2013";

const MINUS = /-/g;
const cached = new Map();

function numberFormat(options) {
  const key = JSON.stringify(options);
  let format = cached.get(key);
  if (!format) cached.set(key, (format = new Intl.NumberFormat(undefined, options)));
  return format;
}

function write(value, options) {
  return numberFormat(options).format(value).replace(MINUS, "\u2212");
}

function between(least, most) {
  return { minimumFractionDigits: least, maximumFractionDigits: most };
}

/** A value of the API in a KPI's unit; money has its currency among the row's dimensions. */
export function figure(value, unit, currency) {
  if (value === null || value === undefined) return ABSENT;
  const number = Number(value);
  switch (unit) {
    case "ratio":
      return percent(number);
    case "seconds":
      return duration(number * 1000);
    case "money":
      return money(number, currency);
    case "count":
      return count(number);
    default:
      return write(number, between(0, Math.abs(number) < 100 ? 2 : 0));
  }
}

export function count(number) {
  if (Math.abs(number) >= 1e6) {
    return write(number, { notation: "compact", ...between(2, 2) });
  }
  return write(number, between(0, Number.isInteger(number) ? 0 : 2));
}

export function percent(number) {
  const size = Math.abs(number);
  let digits = 1;
  if (size < 0.1) digits = 2;
  if (size > 0 && size < 0.001) digits = 3;
  if (size >= 10) digits = 0;
  return write(number, { style: "percent", ...between(digits, digits) });
}

export function money(number, currency) {
  const size = Math.abs(number);
  let digits = 2;
  if (size >= 1e5) digits = 0;
  else if (size > 0 && size < 0.1) digits = 4;
  if (/^[A-Z]{3}$/.test(currency ?? "")) {
    return write(number, { style: "currency", currency, ...between(digits, digits) });
  }
  return write(number, between(digits, digits));
}

/** A duration of ms in its two largest units. */
export function duration(ms) {
  if (ms < 0) return `\u2212${duration(-ms)}`;
  if (ms === 0) return "0 s";
  if (ms < 1_000) return `${write(ms, between(0, 0))} ms`;
  if (ms < 60_000) return `${write(ms / 1_000, between(1, 1))} s`;
  const [large, small, big, little] =
    ms < 3_600_000 ? [60_000, 1_000, "min", "s"]
    : ms < 86_400_000 ? [3_600_000, 60_000, "h", "min"]
    : [86_400_000, 3_600_000, "d", "h"];
  const rounded = Math.round(ms / small) * small;
  const rest = Math.floor((rounded % large) / small);
  return `${Math.floor(rounded / large)} ${big}${rest ? ` ${rest} ${little}` : ""}`;
}

/** How long ago, in one unit: it changes once a second at most. */
export function age(ms) {
  if (ms < 60_000) return `${Math.max(0, Math.round(ms / 1_000))} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min`;
  if (ms < 3 * 86_400_000) return `${Math.floor(ms / 3_600_000)} h`;
  return `${Math.floor(ms / 86_400_000)} d`;
}

export function signedPercent(number) {
  const size = Math.abs(number);
  const digits = size >= 1 ? 0 : 1;
  return write(number, { style: "percent", signDisplay: "exceptZero", ...between(digits, digits) });
}

export function clock(ms, step = 0) {
  const options = step >= 3_600_000
    ? { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }
    : { hour: "2-digit", minute: "2-digit", second: step && step < 60_000 ? "2-digit" : undefined };
  if (step >= 86_400_000) { delete options.hour; delete options.minute; }
  else options.hourCycle = "h23";
  return new Intl.DateTimeFormat(undefined, options).format(ms);
}

const WINDOWS = {
  day_to_date: "Today",
  month_to_date: "This month",
  quarter_to_date: "This quarter",
  year_to_date: "This year",
};

export function windowName(name) {
  return WINDOWS[name] ?? name;
}

const UNITS = { s: "second", m: "minute", h: "hour", d: "day" };

/** A window in words: "the last 5 minutes". */
export function windowWords(name) {
  const found = /^(\d+)([smhd])$/.exec(name);
  if (!found) return (WINDOWS[name] ?? name).toLowerCase();
  const many = Number(found[1]);
  return many === 1 ? `the last ${UNITS[found[2]]}` : `the last ${many} ${UNITS[found[2]]}s`;
}

/** What a window is held against: "the 5 minutes before". */
export function beforeWords(name) {
  const found = /^(\d+)([smhd])$/.exec(name);
  if (!found) return { day_to_date: "yesterday" }[name] ?? "the same days of the period before";
  const many = Number(found[1]);
  return many === 1 ? `the ${UNITS[found[2]]} before` : `the ${many} ${UNITS[found[2]]}s before`;
}

export function title(text) {
  const words = text.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A dimension's value: reserved ones in words. */
export function dimensionValue(value) {
  return { __none__: "(none)", __other__: "(others)", __invalid__: "(invalid)" }[value] ?? value;
}
