/* kpi-streams: page views, clicks and carts. No cookies; see docs/producers.md.
 *
 *   <script async src="https://collector.example/t.js" data-key="kpi_..."></script>
 *   kpi("add_to_cart", {product: "p1", value: "19.90", currency: "EUR"})
 *   <button data-kpi="add_to_cart" data-kpi-product="p1">Add</button>
 */
(function () {
  "use strict";
  var script = document.currentScript || document.querySelector("script[data-key]");
  if (!script || (window.kpi && window.kpi.loaded)) return;
  var data = script.dataset;
  var url = (data.collector || new URL(script.src).origin) + "/v1/beacon";
  var nav = window.navigator;
  // Who asks not to be tracked is not, unless the site has their consent.
  if (data.consent !== "given" && (nav.globalPrivacyControl || nav.doNotTrack === "1")) {
    window.kpi = function () {};
    return;
  }
  var SEND_AFTER_MS = 500, EVENTS_MAX = 50, KEPT_MAX = 500, RETRY_MS = 5000;
  var queue = [], timer = 0, lastPage = "";

  function id() {
    var bytes = crypto.getRandomValues(new Uint8Array(16)), text = "";
    for (var i = 0; i < 16; i++) text += (bytes[i] + 256).toString(16).slice(1);
    return text;
  }

  // data-identity: "session" (default) ends with the tab, "local" stays, "cookie" spans
  // subdomains, "none" is new on every page. Storage may be forbidden: then it is "none".
  function visitor() {
    var kind = data.identity || "session", name = "kpi_visitor", found = "";
    try {
      if (kind === "cookie") {
        found = (document.cookie.match(/(?:^|; )kpi_visitor=([0-9a-f]{32})/) || [])[1] || id();
        document.cookie = name + "=" + found + ";max-age=33696000;path=/;samesite=lax" +
          (location.protocol === "https:" ? ";secure" : "") +
          (data.cookieDomain ? ";domain=" + data.cookieDomain : "");
        return found;
      }
      if (kind !== "none") {
        var store = kind === "local" ? localStorage : sessionStorage;
        found = store.getItem(name) || id();
        store.setItem(name, found);
      }
    } catch (e) { found = ""; }
    return found || id();
  }
  var visitorId = visitor();

  // Where the visit began: events on later pages belong to it too.
  function entrance() {
    var here = { url: location.href.split("#")[0], referrer: document.referrer };
    try {
      if (data.identity === "none") return here;
      var found = sessionStorage.getItem("kpi_entry");
      if (found) return JSON.parse(found);
      sessionStorage.setItem("kpi_entry", JSON.stringify(here));
    } catch (e) { /* storage is forbidden */ }
    return here;
  }
  var entry = entrance();

  function send(last) {
    clearTimeout(timer);
    timer = 0;
    if (!queue.length) return;
    var events = queue.splice(0, EVENTS_MAX);
    var body = JSON.stringify({ key: data.key, sent: Date.now(), entry: entry, events: events });
    if (last) {
      if (nav.sendBeacon && nav.sendBeacon(url, body)) return send(true);
      queue = events.concat(queue);
      return;
    }
    // text/plain needs no preflight; keepalive outlives the page, as a beacon does.
    fetch(url, { method: "POST", body: body, keepalive: true, credentials: "omit",
                 headers: { "Content-Type": "text/plain" } })
      .then(function (answer) {
        var status = answer.status;
        if (status === 408 || status === 429 || status >= 500) throw answer;
        if (status === 207 || status >= 400)
          answer.json().then(function (a) { console.warn("kpi: rejected", a.rejected || a); });
      })
      .catch(function () {
        // The same event_id counts once, however often it is sent.
        queue = events.concat(queue).slice(0, KEPT_MAX);
        timer = timer || setTimeout(send, RETRY_MS);
      });
    if (queue.length) later();
  }

  function later() {
    timer = timer || setTimeout(send, SEND_AFTER_MS);
  }

  function kpi(type, fields) {
    var event = { event_id: id(), type: type, ts: Date.now(), visitor_id: visitorId };
    if (data.customer) event.customer_id = data.customer;
    for (var name in fields || {}) event[name] = fields[name];
    queue.push(event);
    if (queue.length >= EVENTS_MAX) send(); else later();
  }

  function page() {
    // A single-page application may replace the same address many times over.
    if (location.pathname === lastPage) return;
    var referrer = lastPage ? location.origin + lastPage : document.referrer;
    lastPage = location.pathname;
    kpi("page_view", { url: location.href.split("#")[0], referrer: referrer });
  }

  ["pushState", "replaceState"].forEach(function (name) {
    var original = history[name];
    history[name] = function () {
      var result = original.apply(this, arguments);
      if (data.pages !== "manual") page();
      return result;
    };
  });
  addEventListener("popstate", function () { if (data.pages !== "manual") page(); });

  // data-kpi="add_to_cart" data-kpi-product="p1": a click on the element is that event.
  document.addEventListener("click", function (click) {
    var found = click.target.closest && click.target.closest("[data-kpi]");
    if (!found) return;
    var fields = {};
    for (var name in found.dataset)
      if (name.length > 3 && name.indexOf("kpi") === 0)
        fields[name.slice(3).replace(/[A-Z]/g, function (c, i) {
          return (i ? "_" : "") + c.toLowerCase();
        })] = found.dataset[name];
    if (fields.quantity) fields.quantity = Number(fields.quantity);
    kpi(found.dataset.kpi, fields);
  }, true);

  addEventListener("pagehide", function () { send(true); });
  document.addEventListener("visibilitychange", function () {
    if (document.visibilityState === "hidden") send(true);
  });

  var early = (window.kpi && window.kpi.q) || [];
  window.kpi = kpi;
  kpi.loaded = true;
  kpi.page = page;
  kpi.visitorId = visitorId;
  if (data.pages !== "manual") page();
  early.forEach(function (call) { kpi.apply(null, call); });
})();
