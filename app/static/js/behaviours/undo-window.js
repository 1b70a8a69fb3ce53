// Counts the seconds in which a reply can be taken back. At the end it asks for it to leave, so that nobody waits for the sweep.
export function init(box) {
  const shown = box.querySelector("[data-countdown]");
  const end = Date.now() + Number(box.dataset.seconds) * 1000;
  const tick = () => {
    if (!box.isConnected) return clearInterval(timer);
    const left = Math.ceil((end - Date.now()) / 1000);
    if (left > 0) { shown.textContent = ` (${left} s)`; return undefined; }
    clearInterval(timer);
    shown.textContent = "";
    box.querySelector("form[data-send-now]")?.requestSubmit();
    return undefined;
  };
  const timer = setInterval(tick, 250);
  tick();
}
