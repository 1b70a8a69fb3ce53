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
  return Promise.all(found.flatMap((element) => element.dataset.behaviour.split(/\s+/).filter(Boolean).map((name) =>
    start(element, name).catch((error) => console.error(`behaviour ${name}`, error)))));
}

// What drives the page by machine (tests, pictures) waits for this mark; people are slower than it.
scan(document.documentElement).then(() => { document.documentElement.dataset.ready = ""; });
document.addEventListener("htmx:after:process", (event) => scan(event.target));
document.addEventListener("htmx:after:swap", () => scan(document.documentElement));
