// Elements are made here, and here only: texts become text nodes, so that no name is ever read as HTML.

const byId = (id) => document.getElementById(id);

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

const html = (tag, attributes = {}, ...children) => filled(document.createElement(tag), attributes, children);
const svg = (tag, attributes = {}, ...children) =>
  filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

const clamp = (x, low, high) => Math.min(Math.max(x, low), high);
const counted = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

const pencil = document.createElement("canvas").getContext("2d");
const FONT = '"Helvetica Neue", Helvetica, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif';

// How wide a text is, in pixels; style is "bold 13px".
function widthOf(text, style) {
  pencil.font = `${style} ${FONT}`;
  return pencil.measureText(text).width;
}

// The text, or as much of its beginning as has room.
function fitted(text, style, room) {
  if (widthOf(text, style) <= room) return text;
  const characters = [...text];
  let low = 0, high = characters.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (widthOf(characters.slice(0, middle).join("") + "…", style) <= room) low = middle;
    else high = middle - 1;
  }
  return characters.slice(0, low).join("") + "…";
}
