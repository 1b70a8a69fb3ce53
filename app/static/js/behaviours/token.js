// The token that proves a write comes from our own page, as htmx sends it.
export const token = () => JSON.parse(document.body.getAttribute("hx-headers:inherited"))["X-CSRFToken"];
