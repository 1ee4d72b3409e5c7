// Small helpers to build elements and to change only what differs.

const SVG = "http://www.w3.org/2000/svg";

/** Build an element: properties beginning with "on" are listeners, the rest attributes. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** An icon of index.html's symbols; it says nothing to a screen reader. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

export function setIcon(svg, name) {
  const use = svg.firstChild;
  if (use.getAttribute("href") !== `#i-${name}`) use.setAttribute("href", `#i-${name}`);
}

/** Write a text where it differs: what stays is not painted or read out again. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element, name, value) {
  if (value === null || value === undefined) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
}

export function show(element, visible) {
  if (element.hidden === visible) element.hidden = !visible;
}

/** Replace the children by one element a key; elements of keys that stay are kept. */
export function reconcile(parent, keys, make, update) {
  const known = parent.keyed ?? (parent.keyed = new Map());
  const kept = new Map();
  keys.forEach((key, position) => {
    const element = known.get(key) ?? make(key);
    kept.set(key, element);
    update(element, key);
    if (parent.children[position] !== element) {
      parent.insertBefore(element, parent.children[position] ?? null);
    }
  });
  while (parent.children.length > keys.length) parent.lastElementChild.remove();
  parent.keyed = kept;
}
