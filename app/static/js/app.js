// Gives every element with data-behaviour="name …" the behaviour of that name: behaviours/<name>.js, whose init(element)
// runs once per element, at load and again for whatever htmx swaps in. Adding one is adding a file; only those on the page are fetched.
const started = new WeakMap();

async function start(element, name) {
  const names = started.get(element) ?? new Set();
  if (names.has(name) || !/^[a-z-]+$/.test(name)) return;
  started.set(element, names.add(name));
  const behaviour = await import(`./behaviours/${name}.js`);
  behaviour.init(element);
}

function scan(root) {
  const found = [...root.querySelectorAll("[data-behaviour]")];
  if (root.matches?.("[data-behaviour]")) found.unshift(root);
  for (const element of found) {
    for (const name of element.dataset.behaviour.split(/\s+/).filter(Boolean)) {
      start(element, name).catch((error) => console.error(`behaviour ${name}`, error));
    }
  }
}

scan(document.documentElement);
document.addEventListener("htmx:after:process", (event) => scan(event.target));
document.addEventListener("htmx:after:swap", () => scan(document.documentElement));
