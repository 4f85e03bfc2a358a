// The drawing of a scene: everything is made once, and then moved, shown and hidden.

const drawing = { boxes: [], frames: [], edges: [], placed: null };

function redraw() {
  const { scene } = state;
  drawing.boxes = scene.vertices.map(boxOf);
  drawing.frames = scene.clusters.map(frameOf);
  drawing.edges = scene.edges.map(({ from, operand }) => {
    const { kind, traced } = scene.vertices[from];
    const path = svg("path", { class: "edge" });
    if (kind === "constant") path.classList.add("faint");
    else if (!traced) path.classList.add("pale");
    if (operand === null) path.classList.add("again");
    return path;
  });
  byId("boxes").replaceChildren(...drawing.boxes.map((box) => box.group));
  byId("frames").replaceChildren(...drawing.frames.map((frame) => frame.group));
  byId("titles").replaceChildren(...drawing.frames.map((frame) => frame.handle));
  byId("edges").replaceChildren(...drawing.edges);
  byId("notes-on-edges").replaceChildren();
  drawing.placed = arranged(scene);
  showParts(drawing.placed);
  place(drawing.placed, drawing.placed, 1);
  emit("drawn");
}

const between = (a, b, t) => a + (b - a) * t;
const boxBetween = (a, b, t) => ({
  x: between(a.x, b.x, t), y: between(a.y, b.y, t),
  width: between(a.width, b.width, t), height: between(a.height, b.height, t),
});

// Put everything where it belongs, in a movement that the eye can follow. `hold`: the cluster that stays where it is on
// the screen; without one, everything moves into view.
function arrange(hold, animate) {
  const from = drawing.placed, to = arranged(state.scene), start = { ...view };
  drawing.placed = to;
  cancelAnimationFrame(drawing.moving);
  showParts(to);
  const end = hold === null ? fitting({ readable: true }) : null;
  const show = (t) => {
    const frames = place(from, to, t), { x, y, scale } = start;
    if (end) return look({ x: between(x, end.x, t), y: between(y, end.y, t), scale: between(scale, end.scale, t) });
    const was = from.clusters[hold], is = frames[hold];
    look({ scale, x: x + scale * (was.x + was.width / 2 - is.x - is.width / 2), y: y + scale * (was.y - is.y) });
  };
  if (!animate || reducedMotion.matches || state.scene.edges.length > 1500) return show(1);
  const began = performance.now();
  const move = (now) => {
    const t = clamp((now - began) / 280, 0, 1);
    show(t * t * (3 - 2 * t));
    if (t < 1) drawing.moving = requestAnimationFrame(move);
  };
  move(began);
}

// What is seen at all, and the titles of frames.
function showParts(to) {
  const { scene } = state;
  drawing.boxes.forEach((box, n) => box.group.classList.toggle("hidden", to.held.ofVertex[n] >= 0));
  drawing.edges.forEach((path, e) => path.classList.toggle("hidden", to.shown[e] !== e));
  drawing.frames.forEach((parts, c) => {
    const holder = to.held.ofCluster[c], folded = holder === c;
    for (const part of [parts.group, parts.handle]) {
      part.classList.toggle("hidden", holder >= 0 && !folded);
      part.classList.toggle("folded", folded);
    }
    parts.handle.setAttribute("aria-expanded", String(!folded));
    parts.handle.setAttribute("aria-label", `module ${scene.clusters[c].title}, ${folded ? "collapsed" : "open"}`);
    parts.sign.textContent = folded ? "+" : "−";
  });
}

// Move everything to a place between two arrangements; returns the frames.
function place(from, to, t) {
  const { scene } = state, { ofCluster, ofVertex } = to.held;
  to.vertices.forEach((is, n) => {
    const was = from.vertices[n], x = between(was.x, is.x, t), y = between(was.y, is.y, t);
    drawing.boxes[n].group.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
  });
  const frames = to.clusters.map((box, c) => boxBetween(from.clusters[c], box, t));
  frames.forEach((box, c) => {
    if (ofCluster[c] < 0 || ofCluster[c] === c) placeFrame(c, box, ofCluster[c] === c);
  });
  to.edges.forEach((points, e) => {
    if (to.shown[e] !== e) return;
    const moved = t === 1 ? points : points.map((p, i) => between(from.edges[e][i], p, t));
    const { from: start, to: end } = scene.edges[e];
    const line = clipped(moved, frames[ofVertex[start]], frames[ofVertex[end]]);
    drawing.edges[e].setAttribute("d", pathText(line));
  });
  return frames;
}

function placeFrame(number, { x, y, width, height }, folded) {
  const { scene } = state, parts = drawing.frames[number];
  const set = (element, attributes) => filled(element, attributes, []);
  set(parts.frame, { x, y, width, height });
  set(parts.grip, { x, y, width, height: folded ? height : TITLE.height });
  set(parts.sign, { x: x + 9, y: y + (folded ? 17 : 15) });
  set(parts.title, { x: x + 20, y: y + (folded ? 17 : 15) });
  set(parts.count, { x: x + 20, y: y + 31 });
  parts.title.textContent = fitted(scene.clusters[number].title, TITLE.style, width - 26);
  const operations = scene.inside[number].filter((n) => scene.vertices[n].kind === "operation");
  parts.count.textContent = folded ? counted(operations.length, "operation") : "";
}

on("scene", redraw);
on("collapsed", arrange);
