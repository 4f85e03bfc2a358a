// The film as one line of events, and what every vertex holds after each of them.

const timeline = film && film.steps.some((step) => step.events.length) ? timelineOf(film) : null;

// {events: [event with `step`], starts: [first event of each step], history: for each scene and vertex, the numbers of
// the events that gave it a value and of those that changed its gradient}
function timelineOf({ steps }) {
  const events = [], starts = [];
  const history = scenes.map((scene) => scene.vertices.map(() => ({ values: [], gradients: [] })));
  steps.forEach((step, number) => {
    starts.push(events.length);
    for (const event of step.events) {
      const { values, gradients } = history[step.scene][scenes[step.scene].source[event.vertex]];
      (event.phase === "backward" ? gradients : values).push(events.length);
      events.push({ ...event, step: number });
    }
  });
  return { events, starts, history };
}

// The last of these numbers, in ascending order, that is at most `limit`; -1 if there is none.
function lastUpTo(numbers, limit) {
  let low = 0, high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] <= limit) low = middle + 1;
    else high = middle;
  }
  return low ? numbers[low - 1] : -1;
}

// What a vertex of the scene holds now: {value, gradient} as described values or null; stale: since an earlier step.
function valuesOf(shown) {
  const number = state.scene.source[shown], vertex = state.scene.vertices[number];
  const values = { value: known(vertex.value), gradient: timeline ? null : known(vertex.gradient), stale: false };
  if (!timeline || state.time < 0) return values;
  const { events, starts, history } = timeline;
  const own = history[scenes.indexOf(state.scene)][number], began = starts[stepAt(state.time)];
  const got = lastUpTo(own.values, state.time), changed = lastUpTo(own.gradients, state.time);
  if (got >= 0) {
    values.value = known(events[got].value);
    values.stale = got < began && vertex.kind === "operation";
  }
  if (changed >= began) values.gradient = known(events[changed].gradient);
  return values;
}

const stepAt = (time) => (time < 0 ? 0 : timeline.events[time].step);

// The vertices of which value or gradient may differ between two times in one scene.
function touched(before, after) {
  const { events } = timeline, numbers = new Set();
  const [low, high] = before < after ? [before, after] : [after, before];
  if (stepAt(before) !== stepAt(after) || low < 0) return null; // gradients vanish, values grow stale: everything
  const { source, showing } = state.scene;
  for (let time = low + 1; time <= high; time++) {
    for (const number of showing[source[events[time].vertex]]) numbers.add(number);
  }
  return numbers;
}
