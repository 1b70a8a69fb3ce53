// Says when the network is away, tries failed reads again by itself, and offers to send a failed write again; the form keeps what was typed.
import { toast } from "./toast.js";

const WAITS = [1500, 4000, 10000];
const tries = new WeakMap();

export function init() {
  const banner = document.getElementById("connection");
  const show = () => { banner.textContent = navigator.onLine ? "" : "You are offline. What you type stays here."; };
  addEventListener("online", show);
  addEventListener("offline", show);
  show();
  document.addEventListener("htmx:after:request", (event) => {
    tries.delete(event.detail.ctx.sourceElement);
    if (navigator.onLine) banner.textContent = "";
  });
  document.addEventListener("htmx:error", (event) => {
    const { ctx } = event.detail;
    if (ctx && !ctx.response) failed(ctx, banner);
  });
}

function failed(ctx, banner) {
  const source = ctx.sourceElement;
  if (["every", "live"].includes(ctx.sourceEvent?.type)) return; // they ask again by themselves
  if (ctx.request.method !== "GET") {
    const text = ctx.request.signal.reason === "timeout" ? "The server took too long, so this may or may not be saved." : "Could not reach the server, so this is not saved.";
    toast(text, { tone: "danger", keep: true, action: { label: "Try again", run: () => resend(ctx) } });
    return;
  }
  const count = tries.get(source) ?? 0;
  if (count >= WAITS.length) {
    tries.delete(source);
    banner.textContent = "";
    toast("Could not reach the server.", { tone: "danger", keep: true, action: { label: "Try again", run: () => reload(ctx) } });
    return;
  }
  tries.set(source, count + 1);
  banner.textContent = "Could not reach the server. Trying again…";
  const timer = setTimeout(again, WAITS[count]);
  addEventListener("online", again, { once: true });
  function again() {
    clearTimeout(timer);
    removeEventListener("online", again);
    if (source.isConnected) reload(ctx);
  }
}

function reload({ request, sourceElement, target, swap, push }) {
  const aim = target?.isConnected ? target : target?.id ? `#${CSS.escape(target.id)}` : sourceElement;
  window.htmx.ajax("GET", request.action, { source: sourceElement, target: aim, swap, push });
}

function resend({ request, sourceElement }) {
  document.dispatchEvent(new CustomEvent("fairlead:show-dialog"));
  const form = request.form ?? sourceElement.closest("form");
  if (form?.isConnected) form.requestSubmit(request.submitter?.isConnected ? request.submitter : undefined);
  else if (sourceElement.isConnected) sourceElement.click();
}
