// What makes a drawing with collapsed modules tight: empty bands are squeezed out, frames made narrower, detours
// straightened.

const GAP = 34; // no empty band is wider

// The function that leaves these intervals as long as they are, and no gap between them longer than GAP.
function squeezed(intervals) {
  intervals.sort((a, b) => a[0] - b[0]);
  const from = [], to = [];
  let end = intervals.length ? intervals[0][0] : 0, shift = 0;
  for (const [start, stop] of intervals) {
    if (start > end + GAP) {
      from.push(end, start);
      to.push(end - shift, end - shift + GAP);
      shift += start - end - GAP;
    }
    end = Math.max(end, stop);
  }
  return (x) => {
    let low = 0, high = from.length; // how many of `from` are below x
    while (low < high) {
      const middle = (low + high) >> 1;
      if (from[middle] <= x) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return x;
    if (low === from.length) return x - from[low - 1] + to[low - 1];
    return to[low - 1] + ((x - from[low - 1]) * (to[low] - to[low - 1])) / (from[low] - from[low - 1]);
  };
}

// Frames no broader than what is still in them. (Bands that are empty throughout are squeezed out already.)
function narrowed(scene, clusters, vertices, held) {
  const [across, breadth] = scene.direction === "LR" ? ["y", "height"] : ["x", "width"];
  const before = across === "y" ? TITLE.height + 4 : MARGIN + 2, after = MARGIN + 2;
  const inside = clusters.map(() => []);
  scene.vertices.forEach((v, n) => {
    if (held.ofVertex[n] < 0 && v.cluster !== null) {
      inside[v.cluster].push([vertices[n][across] - v[breadth] / 2, vertices[n][across] + v[breadth] / 2]);
    }
  });
  for (let c = clusters.length - 1; c >= 0; c--) {
    const box = clusters[c], { around } = scene.clusters[c];
    if (held.ofCluster[c] < 0) {
      const least = across === "x" ? titleWidth(scene.clusters[c]) : TITLE.height;
      const start = Math.max(Math.min(...inside[c].map(([low]) => low)) - before, box[across]);
      const end = Math.min(Math.max(...inside[c].map(([, high]) => high)) + after, box[across] + box[breadth]);
      const spare = Math.max(0, least - (end - start));
      box[across] = start - spare / 2;
      box[breadth] = end - start + spare;
    }
    if (around !== null && (held.ofCluster[c] < 0 || held.ofCluster[c] === c)) {
      inside[around].push([box[across], box[across] + box[breadth]]);
    }
  }
}

// Routes round what is now collapsed are replaced by direct ones, if these meet no other box.
function shortened(scene, { vertices, clusters, edges, shown, held }) {
  const boxes = new Map(); // by vertex, or -1 - cluster
  scene.vertices.forEach(({ width, height }, n) => {
    const { x, y } = vertices[n];
    if (held.ofVertex[n] < 0) boxes.set(n, { x: x - width / 2, y: y - height / 2, width, height });
  });
  held.ofCluster.forEach((holder, c) => holder === c && boxes.set(-1 - c, clusters[c]));
  scene.edges.forEach((edge, e) => {
    const ends = [edge.from, edge.to].map((n) => (held.ofVertex[n] < 0 ? n : -1 - held.ofVertex[n]));
    const bent = edges[e].some((p, i) => Math.abs(p - edges[e][i % 2] - edge.samples[i] + edge.samples[i % 2]) > 2);
    if (shown[e] !== e || !bent) return;
    const line = directLine(boxes.get(ends[0]), boxes.get(ends[1]), edges[e].length / 2, scene.direction);
    const others = [...boxes].filter(([key]) => !ends.includes(key)).map(([, box]) => box);
    if (line !== null && others.every((box) => misses(line, box))) edges[e] = line;
  });
}

// So many points on a curve from the lower rim of a box to the upper rim of another; null if that is not below it.
function directLine(from, to, count, direction) {
  const sideways = direction === "LR";
  const [along, length] = sideways ? ["x", "width"] : ["y", "height"];
  const [across, breadth] = sideways ? ["y", "height"] : ["x", "width"];
  const start = from[along] + from[length], end = to[along];
  if (end < start + 4) return null;
  const middle = (box) => box[across] + box[breadth] / 2;
  const towards = (box, other) => {
    const most = 0.3 * box[breadth];
    return middle(box) + clamp(middle(other) - middle(box), -most, most);
  };
  const a = towards(from, to), b = towards(to, from), points = [];
  for (let i = 0; i < count; i++) {
    const t = i / (count - 1), eased = t * t * (3 - 2 * t);
    const place = { [along]: start + t * (end - start), [across]: a + (0.6 * eased + 0.4 * t) * (b - a) };
    points.push(place.x, place.y);
  }
  return points;
}

function misses(points, { x, y, width, height }, room = 5) {
  const wider = { x: x - room, y: y - room, width: width + 2 * room, height: height + 2 * room };
  for (let i = 0; i < points.length; i += 2) if (within(points[i], points[i + 1], wider)) return false;
  return true;
}

