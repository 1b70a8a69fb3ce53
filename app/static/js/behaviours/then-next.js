// A button that sends its form, and once it was taken goes on to the next record of the list this one was opened from.
export function init(group) {
  group.addEventListener("click", (event) => {
    const form = event.target.closest("[data-then-next]")?.form;
    if (!form) return;
    const sent = ({ detail }) => {
      if (detail.ctx?.sourceElement !== form && detail.ctx?.request?.form !== form) return;
      document.removeEventListener("htmx:finally:request", sent);
      const status = detail.ctx.response?.status ?? 0;
      if (status >= 200 && status < 300) document.querySelector("[data-shortcut='N']")?.click();
    };
    document.addEventListener("htmx:finally:request", sent);
  });
}
