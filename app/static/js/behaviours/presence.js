// Says that somebody looks at this record, or types in a form marked data-writing="reply", "note" or "change"; and that they left. Others hear of
// it by the live stream. Nothing is said while the tab is hidden.
const BEAT = 20000; // the server forgets after 45 s
const TYPING = 8000; // without a key, it is looking again

export function init(region) {
  const { presence: url } = region.dataset;
  const tab = Math.random().toString(36).slice(2, 12).padEnd(6, "0");
  let current = "";
  let idle;

  const say = (state, unattended = false) => {
    current = state;
    const token = JSON.parse(document.body.getAttribute("hx-headers:inherited"))["X-CSRFToken"];
    const headers = { "X-CSRFToken": token, "HX-Request": "true", ...(unattended ? { "Fairlead-Live": "1" } : {}) };
    return fetch(url, { method: "POST", body: new URLSearchParams({ state, tab }), headers, keepalive: true }).catch(() => {});
  };
  const look = () => say("looking", true).then(() => { if (region.isConnected) region.dispatchEvent(new CustomEvent("live")); });

  const beat = setInterval(() => { if (!gone() && !document.hidden && current !== "left") say(current, current === "looking"); }, BEAT);
  const type = (event) => {
    const writing = event.target.closest?.("[data-writing]")?.dataset.writing;
    if (!writing || gone()) return;
    clearTimeout(idle);
    idle = setTimeout(() => { if (!gone() && current !== "left") say("looking"); }, TYPING);
    if (current !== writing) say(writing);
  };
  const show = () => { if (gone()) return; if (document.hidden) leave(); else look(); };
  const leave = () => { clearTimeout(idle); if (current && current !== "left") say("left", true); };

  // Signed out, nobody may say anything any more: the server forgets by itself.
  const end = (event) => { if (event.target.matches("[data-ends-session]")) { clearTimeout(idle); current = "left"; } };

  function gone() {
    if (region.isConnected) return false;
    clearInterval(beat);
    leave();
    document.removeEventListener("input", type);
    document.removeEventListener("submit", end);
    document.removeEventListener("visibilitychange", show);
    document.removeEventListener("htmx:after:swap", gone);
    removeEventListener("pagehide", leave);
    return true;
  }

  document.addEventListener("input", type);
  document.addEventListener("submit", end);
  document.addEventListener("visibilitychange", show);
  document.addEventListener("htmx:after:swap", gone);
  addEventListener("pagehide", leave);
  addEventListener("pageshow", (event) => { if (event.persisted) show(); });
  if (!document.hidden) look();
}
