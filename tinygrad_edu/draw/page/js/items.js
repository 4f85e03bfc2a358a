// Items: what can be selected, highlighted and walked to, {vertex: number} or {cluster: number}.

// What stands for a vertex on the screen: itself, or the module in which it is hidden.
function seen(vertex) {
  const holder = drawing.placed.held.ofVertex[vertex];
  return holder < 0 ? { vertex } : { cluster: holder };
}

function groupsOf({ vertex, cluster }) {
  if (vertex !== undefined) return [drawing.boxes[vertex].group];
  return [drawing.frames[cluster].group, drawing.frames[cluster].handle];
}
const focusOf = (item) => groupsOf(item).at(-1);

function boxAround(item) {
  if (item.cluster !== undefined) return drawing.placed.clusters[item.cluster];
  const { x, y } = drawing.placed.vertices[item.vertex], { width, height } = state.scene.vertices[item.vertex];
  return { x: x - width / 2, y: y - height / 2, width, height };
}

// All items that are boxes on the screen.
function itemsSeen() {
  const { held } = drawing.placed, items = [];
  held.ofVertex.forEach((holder, vertex) => holder < 0 && items.push({ vertex }));
  held.ofCluster.forEach((holder, cluster) => holder === cluster && items.push({ cluster }));
  return items;
}

// Show what is selected, found by the search, and on the path.
function mark() {
  const { selected, matches, path, scene } = state;
  const parts = [...drawing.boxes, ...drawing.frames];
  const all = parts.flatMap(({ group, handle }) => (handle ? [group, handle] : [group]));
  const only = (name, items) => {
    const groups = new Set(items.flatMap((item) => groupsOf(item.vertex === undefined ? item : seen(item.vertex))));
    all.forEach((group) => group.classList.toggle(name, groups.has(group)));
  };
  only("selected", selected ? [selected] : []);
  only("match", matches);
  only("on-path", path ? [...path.vertices].map((vertex) => ({ vertex })) : []);
  byId("drawing").classList.toggle("with-path", path !== null);
  const lit = new Set(path ? [...path.edges].map((e) => drawing.placed.shown[e]) : []);
  const near = new Set();
  if (selected?.vertex !== undefined) {
    [...scene.into[selected.vertex], ...scene.outOf[selected.vertex]].forEach((e) => near.add(drawing.placed.shown[e]));
  }
  drawing.edges.forEach((line, e) => {
    line.classList.toggle("on-path", lit.has(e));
    line.classList.toggle("near", near.has(e));
  });
}

on("scene", mark);
on("collapsed", mark);
on("selected", mark);
on("matches", mark);
on("path", mark);
