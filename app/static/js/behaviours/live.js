// Keeps the parts of a page marked with data-live up to date: one stream tells which names changed, each part that shows one of them asks
// again by its own hx-get (hx-trigger="live"), those of one address in one request. At most once a second, spread over a moment when many
// listen; a part waits while something in it is being typed, chosen or selected, and a hidden tab lets go of its stream and catches up. ADR 31.
import { toast } from "./toast.js";

const REST = 1000; // between two questions of one part
const LOOK = 700; // while a part is busy
const RETRY = [1000, 60000];
const STEADY = 30000; // a stream that lasted so long was no failure
const BUSY = "form.is-open, details[open], [data-select-row]:checked, [data-live-wait]";
const TYPED = "input:not([type=checkbox], [type=radio], [type=button], [type=submit]), textarea, select, [contenteditable]";

const states = new WeakMap(); // part → { dirty, timer, asked }
const begun = new WeakMap(); // htmx's request → how far the stream was when it began
const batches = new WeakMap(); // htmx's request → the parts it asks for
const pageAsked = performance.timeOrigin + (performance.getEntriesByType("navigation")[0]?.requestStart ?? 0);
let address;
let source = null;
let position = "";
let listening = "";
let failures = 0;
let crowd = 0; // milliseconds that all come back within should their streams break together
let retry;
let refused = "";

export function init(body) {
  address = body.dataset.liveUrl;
  document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => config(ctx));
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => began(ctx));
  document.addEventListener("htmx:before:response", (event) => answered(event, event.detail.ctx));
  document.addEventListener("htmx:before:swap", (event) => swapping(event, event.detail.ctx));
  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => { if (tokens().join() !== listening) connect(begun.get(ctx)); });
  document.addEventListener("htmx:error", ({ detail: { ctx } }) => { if (isOurs(ctx) && !ctx.response) for (const part of batch(ctx)) mark(part, 10000); });
  document.addEventListener("visibilitychange", () => (document.hidden ? disconnect() : connect()));
  addEventListener("pagehide", disconnect);
  addEventListener("pageshow", (event) => { if (event.persisted) connect(); });
  addEventListener("online", () => { failures = 0; if (!source) connect(); });
  if (document.readyState === "complete") connect(); else addEventListener("load", () => connect());
}

// Stream

const parts = () => [...document.querySelectorAll("[data-live]")].filter((part) => part.dataset.live);
const tokens = () => [...new Set(parts().map((part) => part.dataset.live))].sort();
const namesOf = (part) => part.dataset.live.slice(0, part.dataset.live.lastIndexOf(".")).split(" ");

function connect(from) {
  disconnect();
  const wanted = tokens();
  listening = wanted.join();
  if (document.hidden || !wanted.length || !address) return;
  const query = new URLSearchParams(wanted.map((token) => ["on", token]));
  if (from || position) query.set("since", from || position);
  else query.set("age", String(Math.round(Date.now() - pageAsked)));
  const opened = Date.now();
  const stream = new EventSource(`${address}?${query}`);
  source = stream;
  const hear = (name, then) => stream.addEventListener(name, (event) => { position = event.lastEventId || position; then(JSON.parse(event.data)); });
  hear("ready", ({ spread }) => { crowd = spread; document.documentElement.dataset.listening = "on"; });
  hear("beat", ({ spread }) => { crowd = spread; });
  hear("changed", ({ names, spread }) => { for (const part of parts()) if (namesOf(part).some((name) => names.includes(name))) mark(part, spread); });
  hear("missed", ({ spread }) => { for (const part of parts()) mark(part, spread); });
  // The session ended, or its rights are others now: what is shown is asked for again, or leads to sign-in.
  hear("end", () => { stream.close(); for (const part of parts()) mark(part, 500); again(opened); });
  stream.onerror = () => { stream.close(); if (source === stream) again(opened, crowd); };
}

function disconnect() {
  clearTimeout(retry);
  source?.close();
  source = null;
  delete document.documentElement.dataset.listening;
}

function again(opened, spread = 0) {
  disconnect();
  failures = Date.now() - opened > STEADY ? 0 : failures + 1;
  const wait = Math.min(RETRY[1], RETRY[0] * 2 ** failures);
  retry = setTimeout(connect, wait * (0.5 + Math.random() / 2) + Math.random() * spread);
}

// Parts

function state(part) {
  if (!states.has(part)) states.set(part, { dirty: false, timer: 0, asked: 0 });
  return states.get(part);
}

function mark(part, spread) {
  const own = state(part);
  if (own.dirty) return;
  own.dirty = true;
  const rest = Math.max(0, own.asked + REST - Date.now());
  own.timer = setTimeout(ask, rest + Math.random() * spread, part);
}

function ask(part) {
  const own = state(part);
  if (!part.isConnected || !own.dirty) return;
  if (document.hidden || isBusy(part)) { own.timer = setTimeout(ask, LOOK, part); return; }
  own.timer = setTimeout(ask, RETRY[1], part); // should the request not begin
  part.dispatchEvent(new CustomEvent("live"));
}

function isBusy(part) {
  const focused = document.activeElement;
  return Boolean(part.querySelector(BUSY)) || part.matches("[data-live-wait]") || (part.contains(focused) && focused.matches(TYPED));
}

// Requests

const isOurs = (ctx) => ctx?.sourceEvent?.type === "live";
const batch = (ctx) => batches.get(ctx) ?? [ctx.sourceElement];

function config(ctx) {
  // A list's address holds its search, filters, sort and place.
  if (ctx.sourceElement?.matches?.("[data-live-address]") && new URL(ctx.request.action, location).pathname === location.pathname) {
    ctx.request.action = location.pathname + location.search;
  }
  if (!isOurs(ctx)) return;
  ctx.request.headers["Fairlead-Live"] = "1";
  const part = ctx.sourceElement;
  const also = parts().filter((other) => other !== part && other.getAttribute("hx-get") === part.getAttribute("hx-get") && state(other).dirty && !isBusy(other));
  if (!also.length) return;
  batches.set(ctx, [part, ...also]);
  ctx.request.headers["Fairlead-Parts"] = batch(ctx).map(({ id }) => id).join(" ");
}

function began(ctx) {
  begun.set(ctx, position);
  if (!ctx.sourceElement?.dataset?.live || ctx.request.method !== "GET") return;
  // Whatever made it ask: the answer is younger than what it was told of.
  for (const part of batch(ctx)) {
    const own = state(part);
    clearTimeout(own.timer);
    own.dirty = false;
    own.asked = Date.now();
  }
}

function answered(event, ctx) {
  const { status } = ctx.response;
  if (!isOurs(ctx) || status < 400 || ctx.hx.redirect) return;
  event.preventDefault();
  if (status !== 403 && status !== 404) { for (const part of batch(ctx)) mark(part, 10000); return; }
  for (const part of batch(ctx)) delete part.dataset.live;
  if (refused !== location.href) toast("What this page shows was deleted, or is no longer yours to see.", { tone: "warning", keep: true });
  refused = location.href;
}

function swapping(event, ctx) {
  if (!isOurs(ctx)) return;
  const { tasks } = event.detail;
  for (const part of batch(ctx)) {
    const at = tasks.findIndex(({ target }) => target === part);
    if (at >= 0 && isBusy(part)) { tasks.splice(at, 1); mark(part, 0); }
    if (at < 0 && part !== ctx.sourceElement) mark(part, 0); // this address answers one part at a time
  }
}
