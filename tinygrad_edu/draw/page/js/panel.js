// The panel at the side: all that is known of the selected vertex or module.

function showDetails() {
  const { selected, scene } = state;
  byId("panel").hidden = selected === null;
  if (selected === null) return;
  byId("details").replaceChildren(
    ...(selected.vertex !== undefined ? vertexDetails(scene.vertices[selected.vertex], selected.vertex)
                                      : clusterDetails(scene.clusters[selected.cluster], selected.cluster)));
  byId("panel").scrollTop = 0;
  if (drawing.placed) bringIntoView(selected.vertex === undefined ? selected : seen(selected.vertex));
}

// A text in which `names` are code.
const withCode = (text) => text.split("`").map((part, n) => (n % 2 ? html("code", {}, part) : part));

const section = (title, ...content) => html("section", {}, html("h3", {}, title), ...content);
const button = (text, action, name = "") => html("button", { type: "button", class: name, click: action }, text);

function factsOf(pairs) {
  const given = pairs.filter(([, fact]) => fact !== null && fact !== undefined && fact !== "");
  const rows = given.flatMap(([name, fact]) => [html("dt", {}, name), html("dd", {}, fact)]);
  return html("dl", { class: "facts" }, ...rows);
}

function vertexDetails(vertex, number) {
  const { scene } = state;
  const operation = vertex.operation === null ? null : scene.operations[vertex.operation];
  const cluster = vertex.cluster === null ? null : scene.clusters[vertex.cluster];
  const parts = [
    html("h2", {}, nameOf(vertex)),
    html("p", { class: "kind" }, `${vertex.kind} `, operation ? html("code", {}, vertex.operation) : null),
    vertex.message ? html("p", { class: "warning" }, vertex.message) : null,
    operation?.doc ? html("p", { class: "formula" }, ...withCode(operation.doc)) : null,
    factsOf([
      ["shape", vertex.shape], ["dtype", vertex.dtype], ["settings", vertex.settings],
      ["stands for", vertex.times > 1 ? `${vertex.times} equal ones` : null],
      ["memory", vertex.bytes === null ? null : bytesText(vertex.bytes)],
      ["multiply-adds", vertex.multiply_adds?.toLocaleString("en")],
      ["gradient", vertex.magnitude === null ? null : `${short(vertex.magnitude)} (root of the mean square)`],
      ["module", cluster && button(cluster.title, () => select({ cluster: vertex.cluster }), "link")],
      ["line", vertex.place && html("span", { class: "place" }, vertex.place)],
    ]),
    vertex.source ? html("pre", { class: "source" }, vertex.source) : null,
    html("div", { class: "actions" },
         button(state.path?.from === number ? "Hide the path" : "Path to the loss", () => showPath(number), "path"),
         cluster ? button("Collapse its module", () => collapseAround(vertex)) : null),
    state.path?.from === number && state.path.vertices.size === 0
      ? html("p", { class: "warning" }, "No path leads from here to an output.") : null,
    html("div", { id: "values" }),
    operation?.rules.length ? section("Gradient rules", ...operation.rules.map((rule) => html("pre", {}, rule)),
                                     html("p", { class: "hint" }, "g is the gradient of the result")) : null,
    neighbours("Operands", scene.into[number].map((e) => scene.edges[e].from)),
    neighbours("Used by", scene.outOf[number].map((e) => scene.edges[e].to)),
  ];
  const shown = parts.filter((part) => part !== null);
  shownValues.of = null;
  fillValues(shown.find((part) => part.id === "values"), number);
  return shown;
}

function collapseAround({ cluster }) {
  toggle(cluster);
  select({ cluster });
}

// The part that changes while a film plays.
const shownValues = { of: null };

function fillValues(place, number) {
  const { value, gradient } = valuesOf(number);
  if (shownValues.of === number && shownValues.value === value && shownValues.gradient === gradient) return;
  Object.assign(shownValues, { of: number, value, gradient });
  place.replaceChildren(...[["Value", value], ["Gradient", gradient]]
    .filter(([, described]) => described !== null)
    .map(([title, described]) => section(title, pictureOf(described))));
}

function neighbours(title, numbers) {
  if (!numbers.length) return null;
  const { vertices } = state.scene;
  const go = (vertex) => () => visit({ vertex });
  const most = 40;
  return section(title, html("ul", { class: "links" },
    ...numbers.slice(0, most).map((n) => html("li", {}, button(nameOf(vertices[n]), go(n), "link"), " ",
                                              html("small", {}, vertices[n].shape ?? ""))),
    numbers.length > most ? html("li", {}, `and ${numbers.length - most} more`) : null));
}

function clusterDetails(cluster, number) {
  const { scene } = state, vertices = scene.inside[number].map((n) => scene.vertices[n]);
  const count = (kind) => vertices.filter((v) => v.kind === kind).length;
  const sum = (field) => vertices.reduce((total, v) => total + (v.kind === "operation" ? v[field] ?? 0 : 0), 0);
  const modules = scene.clusters.flatMap((inner, c) => (inner.around === number ? [c] : []));
  const link = (c) => html("li", {}, button(scene.clusters[c].title, () => visit({ cluster: c }), "link"));
  const folded = scene.collapsed.has(number);
  return [
    html("h2", {}, cluster.title),
    html("p", { class: "kind" }, "module"),
    factsOf([
      ["class", cluster.kind], ["path", cluster.path],
      ["call", cluster.calls > 1 ? `${cluster.call} of ${cluster.calls}` : null],
      ["operations", String(count("operation"))], ["parameters", String(count("parameter"))],
      ["results", sum("bytes") ? bytesText(sum("bytes")) : null],
      ["multiply-adds", sum("multiply_adds") ? sum("multiply_adds").toLocaleString("en") : null],
    ]),
    html("div", { class: "actions" }, button(folded ? "Expand" : "Collapse", () => toggle(number))),
    modules.length ? section("Modules inside", html("ul", { class: "links" }, ...modules.map(link))) : null,
    scene.inside[number].length ? neighbours("Inside", scene.inside[number]) : null,
  ].filter((part) => part !== null);
}

// Select something and move it into view, opening what hides it.
function visit(item) {
  reveal(item);
  select(item);
  bringIntoView(item, { middle: true, readable: true });
}

byId("close").addEventListener("click", () => select(null));
on("selected", showDetails);
on("path", showDetails);
on("collapsed", () => state.selected?.cluster !== undefined && showDetails());
on("scene", showDetails);
on("time", () => state.selected?.vertex !== undefined && fillValues(byId("values"), state.selected.vertex));
