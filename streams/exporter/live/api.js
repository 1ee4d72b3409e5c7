// The exporter's API: requests with the token where one is needed, and the stream of changes.

const TOKEN = "kpi-token";
const BACKOFF_MS = [500, 1_000, 2_000, 4_000, 8_000, 15_000, 30_000];
const SILENCE_MS_MAX = 25_000; // the exporter speaks every ten seconds at least

export class Refused extends Error {}

let token = sessionStorage.getItem(TOKEN) ?? "";

export function keepToken(text) {
  token = text;
  if (text) sessionStorage.setItem(TOKEN, text);
  else sessionStorage.removeItem(TOKEN);
}

export function hasToken() {
  return token !== "";
}

async function request(path, signal) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  // Without credentials: the browser must not open its own dialog over the page's.
  const answer = await fetch(path, { headers, signal, credentials: "omit", cache: "no-store" });
  if (answer.status === 401) throw new Refused("a token is required");
  if (!answer.ok) {
    const text = await answer.text();
    let fault = text;
    try { fault = JSON.parse(text).error ?? text; } catch { /* it is no JSON */ }
    throw new Error(fault.trim() || `the exporter answered ${answer.status}`);
  }
  return answer;
}

export async function getJson(path, signal) {
  return (await request(path, signal)).json();
}

/**
 * Follow a stream of server-sent events, over fetch so that the token can be sent; connect again
 * with growing pauses when it is cut.
 *
 * `on` has: open(), event(name, data), cut(reason, retryAtMs), refused().
 */
export class Stream {
  constructor(path, on) {
    this.path = path;
    this.on = on;
    this.failures = 0;
    this.closed = false;
    this.again = () => this.now();
    window.addEventListener("online", this.again);
    this.connect();
  }

  close() {
    this.closed = true;
    window.removeEventListener("online", this.again);
    clearTimeout(this.timer);
    clearTimeout(this.watchdog);
    this.abort?.abort();
  }

  /** Do not wait for the end of the pause. */
  now() {
    if (this.closed || !this.timer) return;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.connect();
  }

  async connect() {
    this.abort = new AbortController();
    try {
      this.watch();
      const answer = await request(this.path, this.abort.signal);
      await this.read(answer.body.pipeThrough(new TextDecoderStream()).getReader());
      throw new Error("the exporter ended the stream");
    } catch (error) {
      if (this.closed) return;
      clearTimeout(this.watchdog);
      if (error instanceof Refused) {
        this.on.refused();
        return;
      }
      const pause = BACKOFF_MS[Math.min(this.failures++, BACKOFF_MS.length - 1)];
      const wait = pause * (0.75 + Math.random() / 2); // not all pages at once
      const reason = error.name === "TypeError" ? "the exporter cannot be reached"
        : error.name === "AbortError" ? "the exporter has gone silent" : error.message;
      this.timer = setTimeout(() => this.now(), wait);
      this.on.cut(reason, Date.now() + wait);
    }
  }

  async read(reader) {
    let rest = "";
    let opened = false;
    for (;;) {
      const { value, done } = await reader.read();
      if (done || this.closed) return;
      this.watch();
      const events = (rest + value).split("\n\n");
      rest = events.pop();
      for (const event of events) {
        const name = /^event: (.*)$/m.exec(event)?.[1];
        const data = /^data: (.*)$/m.exec(event)?.[1];
        if (!name || !data) continue;
        if (!opened) {
          opened = true;
          this.failures = 0;
          this.on.open();
        }
        this.on.event(name, JSON.parse(data));
      }
    }
  }

  watch() {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => this.abort.abort(), SILENCE_MS_MAX);
  }
}
