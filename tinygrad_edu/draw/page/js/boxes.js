// One box of the drawing: a vertex, or a module that is collapsed. The sizes of texts are those of layout.py.

const STYLES = { label: "13px", bold: "600 13px", name: "italic 13px", small: "10px" };

// {group, values: [text elements], gradients: [...]} of a vertex, at 0, 0.
function boxOf(vertex, number) {
  const { width, height } = vertex;
  const dot = width < 12;
  const group = svg("g", {
    class: `box ${vertex.kind}${vertex.times > 1 ? " several" : ""}${dot ? " dot" : ""}`,
    role: "button", tabindex: "-1", "aria-label": spoken(vertex), "data-vertex": number,
  });
  const box = { group, values: [], gradients: [] };
  const formula = vertex.operation === null ? "" : state.scene.operations[vertex.operation].doc;
  group.append(svg("title", {}, [spoken(vertex), formula].filter(Boolean).join("\n")));
  const round = vertex.kind === "operation" || vertex.kind === "output" || dot ? 6 : 2;
  const rect = svg("rect", { x: -width / 2, y: -height / 2, width, height, rx: dot ? width / 2 : round });
  group.append(rect);
  if (vertex.magnitude !== null && film === null) {
    rect.style.fill = colourOfMagnitude(vertex.magnitude);
    group.classList.add("measured");
  }
  if (dot) return box;

  const room = width - 8;
  let y = -height / 2 + 17;
  if (vertex.label || vertex.settings) group.append(firstLine(vertex, room, y));
  else y -= 12;
  if (vertex.shown) {
    y += 13;
    group.append(svg("text", { class: "shape", y }, fitted(vertex.shown, STYLES.small, room)));
  }
  if (vertex.cells !== null) {
    y += 3;
    const rows = vertex.cells.length ? vertex.cells[0] : 1;
    for (const [lines, name] of [[box.values, "number"], [box.gradients, "number gradient"]]) {
      if (lines === box.gradients && !vertex.both) break;
      for (let row = 0; row < rows; row++) {
        y += 14;
        lines.push(svg("text", { class: name, y }));
      }
      group.append(...lines);
    }
  }
  return box;
}

function firstLine(vertex, room, y) {
  const line = svg("text", { class: "label", y });
  let left = room;
  const put = (name, text, style) => {
    if (!text || left < 8) return;
    const shown = fitted(text, style, left);
    left -= widthOf(shown, style);
    line.append(svg("tspan", { class: name }, shown));
  };
  if (vertex.kind === "operation" && vertex.name !== null) put("name", `${vertex.name} = `, STYLES.name);
  const bold = !["operation", "constant", "cut", "failed", "gradient"].includes(vertex.kind);
  put("main", vertex.kind === "module" ? nameOf(vertex) : vertex.label, bold ? STYLES.bold : STYLES.label);
  const small = [vertex.settings, vertex.times > 1 ? `×${vertex.times}` : ""].filter(Boolean).join(" ");
  if (small) put("settings", `  ${small}`, STYLES.small);
  return line;
}

function spoken(vertex) {
  const what = vertex.kind === "operation" ? `operation ${vertex.operation}` : vertex.kind;
  return [nameOf(vertex), what, vertex.settings || "", vertex.shape].filter(Boolean).join(", ");
}

// Write numbers into a box; only what changed is touched.
function writeNumbers(box, vertex, value, gradient, stale) {
  if (!box.values.length) return;
  write(box.values, rowsOf(value, vertex.cells));
  write(box.gradients, rowsOf(gradient, vertex.cells));
  box.group.classList.toggle("stale", Boolean(stale));
}

function write(lines, texts) {
  lines.forEach((line, row) => {
    if (line.textContent !== texts[row]) line.textContent = texts[row];
  });
}

// {group: the frame, handle: its title, on which one clicks, ...} of a cluster, open or collapsed.
function frameOf(cluster, number) {
  const parts = {
    frame: svg("rect", { rx: 8 }), grip: svg("rect", { class: "grip", rx: 8 }),
    sign: svg("text", { class: "sign" }), title: svg("text", { class: "title" }),
    count: svg("text", { class: "count" }),
  };
  const shade = state.scene.depth[number] % 2 ? "odd" : "even";
  parts.group = svg("g", { class: `frame ${shade}` }, parts.frame);
  parts.handle = svg("g", { class: `handle ${shade}`, role: "button", tabindex: "-1", "data-cluster": number },
                     parts.grip, parts.sign, parts.title, parts.count);
  return parts;
}
