// What the page knows: its data, and what the reader has done to it. Parts tell one another by on() and emit().

const page = JSON.parse(byId("data").textContent);
const film = page.film;
const NOTHING = { direction: "TB", vertices: [], edges: [], clusters: [], operations: {} }; // of a film of nothing
const scenes = (page.scenes.length ? page.scenes : [NOTHING]).map(prepared);
const state = {
  scene: scenes[0],
  selected: null, // an item: {vertex: number} or {cluster: number}
  path: null, // {vertices: Set, edges: Set}
  matches: [], // items that the search has found
  time: -1, // number of the film's event that was last; -1: before the first
};

const listeners = {};
const on = (event, listener) => (listeners[event] ??= []).push(listener);
const emit = (event, ...what) => (listeners[event] ?? []).forEach((listener) => listener(...what));

// A value of the data, which may be a number that says where it is.
const known = (value) => (typeof value === "number" ? page.values[value] : value);

const same = (a, b) => a === b || (a !== null && b !== null && a.vertex === b.vertex && a.cluster === b.cluster);

// A scene with what is easier to have at hand: neighbours, nesting, and the modules that are collapsed.
function prepared(data) {
  const scene = { ...data, collapsed: new Set() };
  scene.into = scene.vertices.map(() => []);
  scene.outOf = scene.vertices.map(() => []);
  scene.edges.forEach((edge, number) => {
    scene.into[edge.to].push(number);
    scene.outOf[edge.from].push(number);
  });
  scene.depth = [];
  scene.inside = scene.clusters.map(() => []); // numbers of all vertices within
  scene.clusters.forEach((cluster) => scene.depth.push(cluster.around === null ? 0 : scene.depth[cluster.around] + 1));
  scene.vertices.forEach((vertex, number) => {
    for (let c = vertex.cluster; c !== null; c = scene.clusters[c].around) scene.inside[c].push(number);
  });
  // an output holds what the vertex holds from which it comes, a copy what that holds of which it is one
  scene.source = scene.vertices.map(({ kind, same }, number) => {
    const into = scene.into[number];
    const from = kind === "output" && into.length === 1 ? scene.edges[into[0]].from : number;
    return scene.vertices[from].same ?? same ?? from;
  });
  scene.showing = scene.vertices.map(() => []); // the vertices that show what this one holds
  scene.source.forEach((source, number) => scene.showing[source].push(number));
  scene.deepest = scene.depth.reduce((most, depth) => Math.max(most, depth + 1), 0);
  return scene;
}

function nameOf({ kind, name, label }) {
  if (kind === "operation" && name !== null) return `${name} = ${label}`;
  if (kind === "module" && name) return `${name}: ${label}`;
  return label || name || "constant";
}

// `hold`: a cluster that is to stay where it is on the screen; else everything is brought into view.
function setCollapsed(clusters, hold = null, animate = true) {
  state.scene.collapsed = new Set(clusters);
  emit("collapsed", hold, animate);
}

function toggle(cluster) {
  const collapsed = new Set(state.scene.collapsed);
  if (!collapsed.delete(cluster)) collapsed.add(cluster);
  setCollapsed(collapsed, cluster);
}

// Collapse the modules from this depth on.
function openTo(depth) {
  setCollapsed([...state.scene.clusters.keys()].filter((c) => state.scene.depth[c] >= depth));
}

// Open the modules around an item, so that it can be seen.
function reveal(item) {
  const { clusters, vertices, collapsed } = state.scene;
  let around = item.vertex !== undefined ? vertices[item.vertex].cluster : clusters[item.cluster].around;
  const open = new Set(collapsed);
  let outermost = around;
  for (; around !== null; around = clusters[around].around) {
    open.delete(around);
    outermost = around;
  }
  if (open.size !== collapsed.size) setCollapsed(open, outermost, false);
}

function select(item) {
  if (same(item, state.selected)) return;
  state.selected = item;
  emit("selected");
}

// Show another scene, with the same modules collapsed as far as it has them.
function showScene(number) {
  if (scenes[number] === state.scene) return;
  const key = (scene, cluster) => `${scene.clusters[cluster].path} ${scene.clusters[cluster].call}`;
  const before = state.scene, after = scenes[number];
  const closed = new Set([...before.collapsed].map((c) => key(before, c)));
  after.collapsed = new Set([...after.clusters.keys()].filter((c) => closed.has(key(after, c))));
  state.scene = after;
  state.selected = state.path = null;
  state.matches = [];
  emit("scene");
}
