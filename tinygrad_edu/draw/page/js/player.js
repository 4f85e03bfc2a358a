// Playing the film: time goes on by buttons, slider and clock, and the drawing shows what each event did.

const SPEEDS = [1, 2, 5, 10, 30, 60, 120, 300];
const PHASES = ["forward", "backward", "update"];
const player = { playing: false, speed: 2, owed: 0 }; // events per second; how many of them are due

function goTo(time) {
  if (!timeline) return;
  time = clamp(time, -1, timeline.events.length - 1);
  const before = state.time, scene = state.scene;
  state.time = time;
  showScene(film.steps[stepAt(time)].scene);
  if (time >= 0) bringIntoView(seen(timeline.events[time].vertex), { middle: true }); // before anything else changes
  refresh(scene === state.scene ? touched(before, time) : null);
  showEvent();
  emit("time");
}

// Write the values of these vertices (null: of all) into their boxes.
function refresh(vertices) {
  const { scene } = state;
  for (const number of vertices ?? scene.vertices.keys()) {
    if (scene.vertices[number].cells === null) continue;
    const { value, gradient, stale } = valuesOf(number);
    writeNumbers(drawing.boxes[number], scene.vertices[number], value, gradient, stale);
  }
}

// Highlight what the current event is about.
const lit = [];

function light(element, ...names) {
  element.classList.add("now", ...names);
  lit.push(element);
}

function showEvent() {
  lit.splice(0).forEach((element) => element.classList.remove("now", ...PHASES));
  byId("notes-on-edges").replaceChildren();
  const event = timeline.events[state.time];
  if (event) {
    light(groupsOf(seen(event.vertex))[0], event.phase);
    if (event.phase === "backward" && event.edge !== null) showContribution(event);
    if (event.phase === "forward") {
      for (const e of state.scene.into[event.vertex]) {
        if (drawing.placed.shown[e] >= 0) light(drawing.edges[drawing.placed.shown[e]], "forward");
      }
    }
  }
  byId("event").replaceChildren(...tell(event));
  showClock(event);
}

// The edge along which a contribution comes, and what it is.
function showContribution(event) {
  const e = drawing.placed.shown[event.edge];
  if (e < 0) return;
  light(drawing.edges[e], "backward");
  const part = known(event.part);
  if (!part) return;
  const points = drawing.placed.edges[e], middle = 2 * Math.floor(points.length / 4);
  const single = part.full?.length === 1 ? short(part.full[0]) : null;
  const text = single === null ? statistics(part) : single.startsWith(MINUS) ? single : `+${single}`;
  const width = widthOf(text, "600 11px") + 14;
  const x = points[middle].toFixed(1), y = points[middle + 1].toFixed(1);
  byId("notes-on-edges").append(
    svg("g", { class: "contribution", transform: `translate(${x} ${y})` },
        svg("rect", { x: -width / 2, y: -9, width, height: 18, rx: 9 }), svg("text", { y: 4 }, text)));
}

const REASONS = {
  start: "backpropagation starts at", added: "what was there before is added to", hook: "a hook changes",
  changed: "the program changes", unseen: "from operations that are not shown comes a part to",
};

// A sentence on an event.
function tell(event) {
  const strong = (text) => html("b", {}, text);
  if (!event) return ["Before the first event: press space to play, ] to step."];
  const { vertices, edges } = state.scene, name = nameOf(vertices[event.vertex]);
  if (event.phase === "forward") return [strong(name), ` gets its value: ${brief(known(event.value))}`];
  if (event.phase === "update") return [`the optimizer changes `, strong(name), ` to ${brief(known(event.value))}`];
  const sum = known(event.gradient), part = known(event.part);
  if (event.edge === null) return [`${REASONS[event.why]} `, strong(name), `: its gradient is ${brief(sum)}`];
  const shared = state.scene.outOf[event.vertex].length > 1;
  return [strong(nameOf(vertices[edges[event.edge].to])), ` hands back to `, strong(name), ` ${brief(part)}`,
          shared ? `; the sum so far is ${brief(sum)}` : ""];
}

function showClock(event) {
  const step = stepAt(state.time), { loss } = film.steps[step];
  byId("time").value = state.time;
  const spoken = event ? `${event.phase}, training step ${step + 1}` : "before the first event";
  byId("time").setAttribute("aria-valuetext", spoken);
  byId("step").textContent = `step ${step + 1} of ${film.steps.length}${loss === null ? "" : ` · loss ${short(loss)}`}`;
  byId("phases").querySelectorAll("button").forEach((each) =>
    each.setAttribute("aria-pressed", String(each.dataset.phase === event?.phase)));
  moveCursor(step);
}

// ---- moving in time

const phaseStart = (step, phase) => {
  const { events, starts } = timeline, end = starts[step + 1] ?? events.length;
  for (let time = starts[step]; time < end; time++) if (events[time].phase === phase) return time;
  return -1;
};

function goToStep(step) {
  goTo(timeline.starts[clamp(step, 0, film.steps.length - 1)]);
}

function previousStep() {
  const step = stepAt(state.time);
  goToStep(state.time > timeline.starts[step] ? step : step - 1);
}

function nextStep() {
  const step = stepAt(state.time);
  if (state.time < 0) goToStep(0);
  else if (step + 1 < film.steps.length) goToStep(step + 1);
  else goTo(timeline.events.length - 1);
}

function play(playing = !player.playing) {
  player.playing = playing;
  byId("play-sign").setAttribute("d", playing ? "M4 2h3v12H4zM9 2h3v12H9z" : "M4 2 14 8 4 14z");
  byId("play").setAttribute("aria-label", playing ? "Pause" : "Play");
  if (!playing) return;
  if (state.time >= timeline.events.length - 1) goTo(-1);
  let before = performance.now();
  player.owed = 1;
  const tick = (now) => {
    if (!player.playing) return;
    player.owed += ((now - before) / 1000) * player.speed;
    before = now;
    const events = Math.floor(player.owed);
    player.owed -= events;
    if (events) goTo(state.time + events);
    if (state.time >= timeline.events.length - 1) play(false);
    else requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}

function startPlayer() {
  byId("player").hidden = false;
  const time = byId("time");
  time.min = -1;
  time.max = timeline.events.length - 1;
  byId("speed").append(...SPEEDS.map((speed) => html("option", { value: speed }, `${speed}/s`)));
  byId("speed").value = player.speed;
  const phases = PHASES.filter((phase) => timeline.events.some((event) => event.phase === phase));
  byId("phases").append(...phases.map((phase) =>
    html("button", {
      type: "button", "data-phase": phase, class: phase, title: `To the beginning of this phase: ${phase}`,
      click: () => {
        const start = phaseStart(stepAt(state.time), phase);
        if (start >= 0) goTo(start);
      },
    }, phase)));
  const actions = {
    "step-back": previousStep, "back": () => goTo(state.time - 1), "play": () => play(),
    "forward": () => goTo(state.time + 1), "step-forward": nextStep,
  };
  for (const [id, action] of Object.entries(actions)) byId(id).addEventListener("click", action);
  time.addEventListener("input", () => goTo(Number(time.value)));
  byId("speed").addEventListener("change", () => (player.speed = Number(byId("speed").value)));
  on("drawn", () => refresh(null));
  on("collapsed", showEvent);
  drawCurve();
  drawStrip();
  goTo(-1);
}
