// What became of a form that was posted without htmx (draft.js marks it as sent): the page that came back tells. A sign-in page or an error
// (data-keeps-drafts) means that nothing was saved, so the draft stays and comes back with the form; any other page means that it was saved.
const HEAD = "fairlead.draft:";
const TAIL = ":sent";

export function init() {
  const refused = document.querySelector("[data-keeps-drafts], main [data-error-summary]");
  for (const mark of Object.keys(sessionStorage).filter((key) => key.startsWith(HEAD) && key.endsWith(TAIL))) {
    sessionStorage.removeItem(mark);
    if (!refused) localStorage.removeItem(mark.slice(0, -TAIL.length));
  }
}
