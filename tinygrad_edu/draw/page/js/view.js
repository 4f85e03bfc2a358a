// Looking at the drawing: moving and zooming it by mouse, wheel, fingers and buttons.

const view = { x: 0, y: 0, scale: 1 }; // screen = scale * drawing + (x, y)
const canvas = byId("drawing");
const SCALES = { least: 0.04, most: 4 };

function look({ x, y, scale }) {
  Object.assign(view, { x, y, scale });
  byId("world").setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)}) scale(${scale.toFixed(4)})`);
  canvas.classList.toggle("far", scale < 0.4);
}

function zoom(factor, at = { x: canvas.clientWidth / 2, y: canvas.clientHeight / 2 }) {
  const scale = clamp(view.scale * factor, SCALES.least, SCALES.most), grown = scale / view.scale;
  look({ scale, x: at.x - (at.x - view.x) * grown, y: at.y - (at.y - view.y) * grown });
}

// The view that shows everything; with `readable` as much, from the top, as can be read.
function fitting({ readable = false } = {}) {
  const { bounds } = drawing.placed, width = canvas.clientWidth, height = canvas.clientHeight, margin = 24;
  const whole = Math.min((width - 2 * margin) / bounds.width, (height - 2 * margin) / bounds.height);
  const wide = Math.min((width - 2 * margin) / bounds.width, 1);
  const scale = clamp(readable && whole < 0.75 ? Math.max(Math.min(wide, 0.9), 0.5) : whole, SCALES.least, 1.6);
  const y = bounds.height * scale > height - 2 * margin && readable ? margin : (height - bounds.height * scale) / 2;
  return { scale, x: (width - bounds.width * scale) / 2 - bounds.x * scale, y: y - bounds.y * scale };
}

const fit = (options) => look(fitting(options));

// Move so that an item is in view: as little as possible, or, if it was not, to the middle; near enough to be read.
function bringIntoView(item, { middle = false, readable = false } = {}) {
  const box = boxAround(item), margin = 40;
  const shift = (start, size, room, offset) => {
    const low = start * view.scale + offset, high = low + size * view.scale;
    if (low >= margin && high <= room - margin) return 0;
    if (size * view.scale > room - 2 * margin && low < room - margin && high > margin) return 0; // a part of it is seen
    if (middle || high - low > room - 2 * margin) return (room - low - high) / 2;
    return low < margin ? margin - low : room - margin - high;
  };
  if (readable && view.scale < 0.55) zoom(0.9 / view.scale);
  const dx = shift(box.x, box.width, canvas.clientWidth, view.x);
  const dy = shift(box.y, box.height, canvas.clientHeight, view.y);
  if (dx || dy) look({ x: view.x + dx, y: view.y + dy, scale: view.scale });
}

canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  const turned = clamp(event.deltaY * (event.deltaMode === 1 ? 16 : 1), -120, 120);
  if (event.shiftKey) look({ ...view, x: view.x - turned });
  else zoom(Math.exp(-turned * (event.ctrlKey ? 0.01 : 0.002)), { x: event.offsetX, y: event.offsetY });
}, { passive: false });

// One pointer moves the drawing, two zoom it. A press that hardly moves is a click, which is left to the item under it.
const pointers = new Map();
let moved = 0;

canvas.addEventListener("pointerdown", (event) => {
  if (event.button > 0) return;
  if (!pointers.size) moved = 0;
  pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
});
addEventListener("pointermove", (event) => {
  if (event.pointerType === "mouse" && !event.buttons) pointers.clear(); // it was released outside of the window
  const before = pointers.get(event.pointerId);
  if (!before) return;
  const now = { x: event.clientX, y: event.clientY };
  moved += Math.abs(now.x - before.x) + Math.abs(now.y - before.y);
  if (pointers.size === 1) {
    if (moved > 4) look({ ...view, x: view.x + now.x - before.x, y: view.y + now.y - before.y });
  } else {
    const [other] = [...pointers.entries()].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
    const apart = (point) => Math.hypot(point.x - other.x, point.y - other.y) || 1;
    const frame = canvas.getBoundingClientRect();
    zoom(apart(now) / apart(before), { x: (now.x + other.x) / 2 - frame.left, y: (now.y + other.y) / 2 - frame.top });
  }
  pointers.set(event.pointerId, now);
});
for (const ending of ["pointerup", "pointercancel"]) {
  addEventListener(ending, (event) => pointers.delete(event.pointerId));
}

canvas.addEventListener("click", (event) => {
  if (moved > 4) return;
  const target = event.target.closest("[data-vertex], [data-cluster]");
  if (!target) select(null);
  else if (target.dataset.vertex !== undefined) select({ vertex: Number(target.dataset.vertex) });
  else {
    const cluster = Number(target.dataset.cluster);
    toggle(cluster);
    select({ cluster });
  }
});

byId("smaller").addEventListener("click", () => zoom(1 / 1.25));
byId("larger").addEventListener("click", () => zoom(1.25));
byId("fit").addEventListener("click", () => fit());
