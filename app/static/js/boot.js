// Runs before the first paint, hence a plain script in the head: says that script is there, and
// turns "follow the system" into the attribute Tabler reads. Nothing flashes in the wrong colours.
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => {
    if (root.dataset.themeChoice === "auto") root.dataset.bsTheme = dark.matches ? "dark" : "light";
  };
  root.classList.add("js");
  follow();
  dark.addEventListener("change", follow);
  root.addEventListener("fairlead:theme", follow);
})();
