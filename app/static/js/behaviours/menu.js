// Makes <details class="menu"> behave as a menu button: one open at a time, closed by Esc, by a click elsewhere or by choosing.
// Also closes the phone's menu when the screen becomes wide enough for the sidebar.
export function init() {
  const open = () => document.querySelectorAll("details.menu[open]");
  document.addEventListener("click", (event) => {
    for (const menu of open()) {
      const chosen = event.target.closest(".menu-panel a, .menu-panel button:not([data-keep-open])");
      if (!menu.contains(event.target) || (chosen && !chosen.closest(".theme-switch"))) menu.open = false;
    }
  });
  // As tall as there is room below the button, so that its end can be reached without moving the page. On phones it is a sheet.
  document.addEventListener("toggle", (event) => {
    const panel = event.target.matches("details.menu[open]") && event.target.querySelector(".menu-panel");
    if (!panel || getComputedStyle(panel).position === "fixed") return;
    panel.style.translate = "none";
    const { top, left, right } = panel.getBoundingClientRect();
    panel.style.maxHeight = `${Math.max(240, innerHeight - top - 12)}px`;
    panel.style.translate = `${Math.min(0, document.documentElement.clientWidth - right - 8) || Math.max(0, 8 - left)}px`;
  }, true);
  document.addEventListener("keydown", (event) => {
    const menu = event.target.closest?.("details.menu[open]");
    if (!menu) return;
    const items = [...menu.querySelectorAll(".menu-panel :is(a[href], button, input:not([type=hidden]))")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      menu.open = false;
      menu.querySelector("summary").focus();
    } else if (step && items.length) {
      event.preventDefault();
      const at = items.indexOf(document.activeElement);
      items[at < 0 ? (step > 0 ? 0 : items.length - 1) : (at + step + items.length) % items.length].focus();
    }
  });
  document.addEventListener("focusin", (event) => {
    for (const menu of open()) if (!menu.contains(event.target)) menu.open = false;
  });
  matchMedia("(min-width: 992px)").addEventListener("change", () => {
    const sidebar = document.getElementById("app-menu");
    if (sidebar?.matches(":popover-open")) sidebar.hidePopover();
  });
}
