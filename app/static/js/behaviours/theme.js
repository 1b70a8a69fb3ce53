// The theme switch answers at once: sets the attribute and the cookie the server reads next time. Without script its form posts.
export function init() {
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("[data-theme-form]");
    if (!form || !event.submitter) return;
    event.preventDefault();
    choose(event.submitter.value);
    for (const button of form.querySelectorAll("button[name=theme]")) {
      button.setAttribute("aria-pressed", String(button === event.submitter));
    }
  });
}

function choose(theme) {
  const root = document.documentElement;
  root.dataset.themeChoice = theme;
  if (theme === "auto") root.dispatchEvent(new Event("fairlead:theme"));
  else root.dataset.bsTheme = theme;
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `theme=${theme}; path=/; max-age=31536000; samesite=lax${secure}`;
}
