// After a swap: to the error summary if one came, else back to where focus was; never to nowhere. Links of a summary focus their field.
export function init() {
  let last = null;
  document.addEventListener("htmx:before:swap", () => {
    const now = document.activeElement;
    if (now && now !== document.body) last = describe(now);
  });
  document.addEventListener("htmx:after:swap", (event) => requestAnimationFrame(() => settle(event.detail.ctx, last)));
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-error-summary] a[href^='#']");
    const field = link && document.getElementById(link.hash.slice(1));
    if (!field) return;
    event.preventDefault();
    field.focus();
    field.scrollIntoView({ block: "center" });
  });
  document.querySelector("main [data-error-summary]")?.focus();
}

function describe(element) {
  const near = element.closest("[id]");
  return { element, id: element.id, name: element.name, near: near?.id, href: element.getAttribute("href") };
}

function settle(ctx, last) {
  const target = typeof ctx?.target === "string" ? document.querySelector(ctx.target) : ctx?.target;
  const region = target?.isConnected ? target : target?.id && document.getElementById(target.id);
  const summary = region?.querySelector?.("[data-error-summary]:not([data-seen])");
  if (summary) {
    summary.dataset.seen = "";
    summary.focus();
    return;
  }
  if (document.activeElement !== document.body || !last || last.element.isConnected) return;
  const near = last.near && document.getElementById(last.near);
  const again = (last.id && document.getElementById(last.id))
    || (last.name && near?.querySelector(`[name="${CSS.escape(last.name)}"]`))
    || (last.href && document.querySelector(`[href="${CSS.escape(last.href)}"]`))
    || near?.querySelector("a[href], button, input:not([type=hidden]), select, textarea, summary");
  const home = again || document.querySelector("dialog[open]") || near || document.getElementById("main");
  if (!again && home && !home.hasAttribute("tabindex")) home.tabIndex = -1;
  home?.focus({ preventScroll: true });
}
