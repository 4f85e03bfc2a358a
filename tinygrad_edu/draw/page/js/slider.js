// Around the slider: the curve of the loss, and the strip of phases.

const CURVE = { width: 120, height: 34, margin: 3 };

function drawCurve() {
  const losses = film.steps.map((step) => (typeof step.loss === "number" ? step.loss : null));
  const finite = losses.filter((loss) => loss !== null);
  byId("loss").toggleAttribute("hidden", finite.length < 2);
  const low = Math.min(...finite), high = Math.max(...finite), { width, height, margin } = CURVE;
  player.point = (step) => [
    margin + ((width - 2 * margin) * step) / Math.max(film.steps.length - 1, 1),
    height - margin - ((height - 2 * margin) * ((losses[step] ?? low) - low)) / (high - low || 1),
  ];
  const known = [...losses.keys()].filter((step) => losses[step] !== null);
  const points = known.map((step) => player.point(step).map((p) => p.toFixed(1)).join(","));
  player.cursor = svg("circle", { r: 3.5 });
  byId("loss").setAttribute("viewBox", `0 0 ${width} ${height}`);
  byId("loss").replaceChildren(svg("polyline", { points: points.join(" ") }), player.cursor);
}

function moveCursor(step) {
  const [x, y] = player.point(step);
  player.cursor.setAttribute("cx", x);
  player.cursor.setAttribute("cy", y);
}

// One coloured piece for each run of events of the same phase, and a gap between training steps.
function drawStrip() {
  const { events } = timeline, pieces = [];
  const share = (time) => `${((100 * time) / events.length).toFixed(3)}%`;
  for (let start = 0, end; start < events.length; start = end) {
    const { phase, step } = events[start];
    for (end = start; end < events.length && events[end].phase === phase && events[end].step === step; ) end++;
    const last = events[end]?.step !== step, stop = last ? `calc(${share(end)} - 2px)` : share(end);
    pieces.push(`var(--${phase}) ${share(start)} ${stop}`);
    if (last) pieces.push(`transparent ${stop} ${share(end)}`);
  }
  byId("strip").style.background = `linear-gradient(to right, ${pieces.join(", ")})`;
}
