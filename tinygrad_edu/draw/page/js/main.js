// The page begins: title, notes, legend, theme; then the drawing.

const LEGEND = { parameter: "parameter", input: "input or leaf", operation: "operation", output: "output" };
const READABLE = 60; // more boxes than that are not opened at once

function changeTheme() {
  const root = document.documentElement, dark = matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = (root.dataset.theme ?? (dark ? "dark" : "light")) === "dark" ? "light" : "dark";
}

function showDepth() {
  const { scene } = state;
  byId("modules").hidden = scene.clusters.length === 0;
  byId("depth").max = scene.deepest;
  const closed = [...scene.collapsed].map((c) => scene.depth[c]);
  byId("depth").value = closed.length ? Math.min(...closed) : scene.deepest;
}

function legendOfNumbers() {
  const gradient = state.scene.vertices.some(({ both }) => both) ? html("span", { class: "gradient" }, "gradient") : "";
  const large = html("span", {}, "large ones: mean ± standard deviation");
  return html("p", { class: "numbers" }, html("span", {}, "value"), gradient, large);
}

// The depth down to which everything can be open without too many boxes.
function firstDepth() {
  const { scene } = state;
  for (let depth = scene.deepest; depth > 0; depth--) {
    scene.collapsed = new Set([...scene.clusters.keys()].filter((c) => scene.depth[c] >= depth));
    const { ofVertex, ofCluster } = holders(scene);
    const boxes = ofVertex.filter((h) => h < 0).length + ofCluster.filter((h, c) => h === c).length;
    if (boxes <= READABLE) return depth;
  }
  return Math.min(1, scene.deepest);
}

function start() {
  byId("title").textContent = page.title || "Graph";
  byId("title").title = byId("title").textContent;
  const notes = [...page.notes, ...(film?.notes ?? [])];
  const measured = film === null && state.scene.vertices.some(({ magnitude }) => magnitude !== null);
  byId("legend").append(
    html("p", { class: "keys" }, ...Object.entries(LEGEND).map(([kind, text]) => html("span", { class: kind }, text))),
    measured ? scaleOfMagnitudes() : "",
    state.scene.vertices.some(({ cells }) => cells !== null) ? legendOfNumbers() : "",
    ...notes.map((note) => html("p", {}, note)));
  byId("collapse").addEventListener("click", () => openTo(0));
  byId("expand").addEventListener("click", () => setCollapsed([]));
  byId("depth").addEventListener("input", () => openTo(Number(byId("depth").value)));
  byId("theme").addEventListener("click", changeTheme);
  // after a click with the mouse, keys are for the drawing again
  addEventListener("click", (event) => event.detail > 0 && event.target.closest("#bar button, #player button")?.blur());
  on("collapsed", showDepth);
  on("scene", showDepth);

  state.scene.collapsed = new Set([...state.scene.clusters.keys()].filter((c) => state.scene.depth[c] >= firstDepth()));
  redraw();
  showDepth();
  if (timeline) startPlayer();
  else refresh(null);
  fit({ readable: true });
  const failed = state.scene.vertices.findIndex(({ kind }) => kind === "failed");
  if (failed >= 0) visit({ vertex: failed });
}

start();
