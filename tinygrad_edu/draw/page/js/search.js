// Search as you type: in names, operations, settings, shapes, kinds and titles of modules.

function textOf(item) {
  const { vertices, clusters } = state.scene;
  if (item.cluster !== undefined) return clusters[item.cluster].title;
  const v = vertices[item.vertex];
  return [nameOf(v), v.name, v.operation, v.settings, v.shape, v.kind].filter(Boolean).join(" ");
}

// Items with all of the words; those of which the name begins with the text come first.
function search(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const { vertices, clusters } = state.scene;
  const items = [...clusters.map((_, cluster) => ({ cluster })), ...vertices.map((_, vertex) => ({ vertex }))];
  if (!words.length) return [];
  const found = items.filter((item) => {
    const own = textOf(item).toLowerCase();
    return words.every((word) => own.includes(word));
  });
  const rank = (item) => (textOf(item).toLowerCase().startsWith(words.join(" ")) ? 0 : 1);
  return found.sort((a, b) => rank(a) - rank(b));
}

let current = -1;

function showFound() {
  byId("previous").disabled = byId("next").disabled = state.matches.length === 0;
  const typed = byId("search").value.trim() !== "";
  byId("found").textContent = !typed ? "" : !state.matches.length ? "none"
    : current < 0 ? String(state.matches.length) : `${current + 1} of ${state.matches.length}`;
}

function goToMatch(step) {
  if (!state.matches.length) return;
  current = current < 0 ? (step > 0 ? 0 : state.matches.length - 1)
    : (current + step + state.matches.length) % state.matches.length;
  visit(state.matches[current]);
  showFound();
}

byId("search").addEventListener("input", () => {
  state.matches = search(byId("search").value);
  current = -1;
  emit("matches");
  showFound();
});
byId("search").addEventListener("keydown", (event) => {
  if (event.key === "Enter") goToMatch(event.shiftKey ? -1 : 1);
});
byId("next").addEventListener("click", () => goToMatch(1));
byId("previous").addEventListener("click", () => goToMatch(-1));
on("scene", () => byId("search").value && byId("search").dispatchEvent(new Event("input")));
