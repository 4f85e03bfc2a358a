// Keys. KEYS is also what the help shows.

const DIRECTIONS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

const KEYS = [
  ["arrows", "go to the next box in this direction", null],
  ["Enter", "open: details of a box, a collapsed module", () => state.selected && open(state.selected)],
  ["c", "collapse or expand the module around the box", () => aroundSelected()],
  ["p", "highlight all paths from the box to the loss", () => pathFromSelected()],
  ["/", "search", () => byId("search").focus()],
  ["Esc", "close, let go", () => letGo()],
  ["+", "larger", () => zoom(1.25)],
  ["−", "smaller", () => zoom(1 / 1.25)],
  ["0", "show everything", () => fit()],
  ["t", "light or dark", () => changeTheme()],
  ["?", "these keys", () => showHelp()],
];
const FILM_KEYS = [
  ["space", "play, pause", () => play()],
  ["]", "one event forward", () => goTo(state.time + 1)],
  ["[", "one event back", () => goTo(state.time - 1)],
  ["}", "next training step", () => nextStep()],
  ["{", "previous training step", () => previousStep()],
];
const SYNONYMS = { Escape: "Esc", " ": "space", "-": "−", "=": "+" };

// The box that lies nearest in this direction; one that is joined by an edge counts as half as far away.
function nextItem(from, [dx, dy]) {
  const middle = (item) => {
    const box = boxAround(item);
    return [box.x + box.width / 2, box.y + box.height / 2];
  };
  const joined = new Set();
  state.scene.edges.forEach((edge) => {
    const ends = [seen(edge.from), seen(edge.to)];
    if (same(ends[0], from)) joined.add(JSON.stringify(ends[1]));
    if (same(ends[1], from)) joined.add(JSON.stringify(ends[0]));
  });
  const [x, y] = middle(from);
  let best = null, least = Infinity;
  for (const item of itemsSeen()) {
    const [itemX, itemY] = middle(item);
    const along = (itemX - x) * dx + (itemY - y) * dy, across = Math.abs((itemX - x) * dy) + Math.abs((itemY - y) * dx);
    if (same(item, from) || along < 2) continue;
    const distance = (along + 2 * across) * (joined.has(JSON.stringify(item)) ? 0.5 : 1);
    if (distance < least) [best, least] = [item, distance];
  }
  return best;
}

function walk(direction) {
  const { selected } = state;
  const from = selected === null ? null : selected.vertex !== undefined ? seen(selected.vertex) : selected;
  const item = from === null ? itemsSeen()[0] ?? null : nextItem(from, direction);
  if (item === null) return;
  select(item);
  bringIntoView(item);
  focusOf(item).focus({ preventScroll: true });
}

function open(item) {
  if (item.cluster !== undefined) toggle(item.cluster);
  else byId("panel").focus();
}

function pathFromSelected() {
  if (state.selected?.vertex !== undefined) showPath(state.selected.vertex);
}

function aroundSelected() {
  const { selected, scene } = state;
  if (selected === null) return;
  const cluster = selected.cluster ?? scene.vertices[selected.vertex].cluster;
  if (cluster === null) return;
  toggle(cluster);
  select({ cluster });
  focusOf({ cluster }).focus({ preventScroll: true });
}

function letGo() {
  if (document.activeElement === byId("search")) {
    byId("search").value = "";
    byId("search").dispatchEvent(new Event("input"));
    canvas.focus();
  } else if (state.path) showPath(null);
  else select(null);
}

function showHelp() {
  const keys = timeline ? [...KEYS, ...FILM_KEYS] : KEYS;
  const dialog = byId("keys");
  dialog.replaceChildren(
    html("h2", {}, "Keys"),
    html("dl", {}, ...keys.flatMap(([key, text]) => [html("dt", {}, html("kbd", {}, key)), html("dd", {}, text)])),
    html("p", {}, "Drag to move, wheel or two fingers to zoom. Click a box for its details, the title of a module to ",
         "collapse or expand it."),
    html("form", { method: "dialog" }, html("button", {}, "Close")));
  dialog.showModal();
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || byId("keys").open) return;
  const { target, key } = event;
  if (target.matches("#search, select") && key !== "Escape") return;
  if (target.matches("input[type=range]") && DIRECTIONS[key]) return;
  if (target.matches("button") && (key === "Enter" || key === " ")) return;
  const name = SYNONYMS[key] ?? key;
  const action = DIRECTIONS[key] ? () => walk(DIRECTIONS[key])
    : [...KEYS, ...(timeline ? FILM_KEYS : [])].find(([known]) => known === name)?.[2];
  if (!action) return;
  event.preventDefault();
  action();
});
byId("help").addEventListener("click", showHelp);
