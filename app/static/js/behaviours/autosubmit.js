// Sends a GET form of filters 500 ms after the last change: through htmx where the form has a target, as a plain GET where not.
export function init(form) {
  let timer;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (form.hasAttribute("hx-get")) form.dispatchEvent(new CustomEvent("fairlead:autosubmit"));
      else form.requestSubmit();
    }, 500);
  });
}
