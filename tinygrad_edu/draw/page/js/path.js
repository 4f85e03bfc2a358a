// The ways from a vertex to the loss: what it can influence, of which that which influences an output.

function reached(scene, starts, forwards) {
  const found = new Set(starts), waiting = [...starts];
  while (waiting.length) {
    const vertex = waiting.pop();
    for (const e of forwards ? scene.outOf[vertex] : scene.into[vertex]) {
      const next = forwards ? scene.edges[e].to : scene.edges[e].from;
      if (!found.has(next)) {
        found.add(next);
        waiting.push(next);
      }
    }
  }
  return found;
}

// The outputs; where none is marked as one, whatever nothing else is computed from.
function outputsOf(scene) {
  const all = [...scene.vertices.keys()];
  const outputs = all.filter((n) => scene.vertices[n].kind === "output");
  return outputs.length ? outputs : all.filter((n) => !scene.outOf[n].length && scene.into[n].length);
}

function pathFrom(vertex) {
  const { scene } = state;
  const after = reached(scene, [vertex], true), before = reached(scene, outputsOf(scene), false);
  const vertices = new Set([...after].filter((n) => before.has(n)));
  const along = ({ from, to }) => vertices.has(from) && vertices.has(to);
  const edges = new Set([...scene.edges.keys()].filter((e) => along(scene.edges[e])));
  return { from: vertex, vertices, edges };
}

function showPath(vertex) {
  state.path = vertex === null || state.path?.from === vertex ? null : pathFrom(vertex);
  emit("path");
}
