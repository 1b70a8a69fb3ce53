// On a phone the side menu is a strip to swipe along: the page one is on stands in view, not beyond the edge.
export function init(strip) {
  const here = strip.querySelector("[aria-current]");
  if (!here) return;
  const room = strip.clientWidth - here.offsetWidth;
  strip.scrollLeft += here.getBoundingClientRect().left - strip.getBoundingClientRect().left - room / 2;
}
