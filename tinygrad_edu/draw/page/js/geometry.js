// Where things lie when modules are collapsed.
//
// A collapsed module shrinks to a box in its frame, and what is inside shrinks with it. Bands of the drawing that this
// leaves empty are squeezed: x and y are mapped by functions that are linear piece by piece and never turn round, so
// that everything stays left of, and above, what it was left of, and above.

const MARGIN = 10; // inside a frame
const TITLE = { height: 22, style: "600 11px" };
const FOLDED = { height: 40, padding: 26 };

// For each cluster and vertex the outermost collapsed module that holds it; -1: none, it is seen.
function holders(scene) {
  const ofCluster = [];
  scene.clusters.forEach((cluster, number) => {
    const outer = cluster.around === null ? -1 : ofCluster[cluster.around];
    ofCluster.push(outer >= 0 ? outer : scene.collapsed.has(number) ? number : -1);
  });
  return { ofCluster, ofVertex: scene.vertices.map((v) => (v.cluster === null ? -1 : ofCluster[v.cluster])) };
}

// {x, y, width, height} of the box that a collapsed cluster becomes, before anything is squeezed. It lies where edges
// come in and go out.
function foldedBox(cluster, direction) {
  const wanted = Math.max(widthOf(cluster.title, TITLE.style) + FOLDED.padding, 90);
  const width = Math.min(cluster.width, wanted), height = Math.min(cluster.height, FOLDED.height);
  const x = cluster.x + (cluster.width - width) / 2, y = cluster.y + (cluster.height - height) / 2;
  const box = { x, y, width, height };
  if (cluster.spine !== null) {
    const [across, breadth] = direction === "LR" ? ["y", "height"] : ["x", "width"];
    const most = cluster[across] + cluster[breadth] - box[breadth];
    box[across] = clamp(cluster.spine - box[breadth] / 2, cluster[across], most);
  }
  return box;
}

// Everything's place: {vertices: [{x, y}], clusters: [box], edges: [[x, y, ...]], shown, holders, bounds}
// shown: for each edge the one that is drawn for it, or -1 if both of its ends are inside one box.
function arranged(scene) {
  const held = holders(scene), { direction } = scene;
  const boxes = scene.clusters.map((cluster, c) => (held.ofCluster[c] === c ? foldedBox(cluster, direction) : null));
  const xs = [], ys = [];
  const take = (x, y, width, height) => {
    xs.push([x, x + width]);
    ys.push([y, y + height]);
  };
  scene.vertices.forEach((v, n) => {
    if (held.ofVertex[n] < 0) take(v.x - v.width / 2, v.y - v.height / 2, v.width, v.height);
  });
  scene.clusters.forEach((cluster, c) => {
    if (boxes[c] !== null) take(boxes[c].x, boxes[c].y, boxes[c].width, boxes[c].height);
    else if (held.ofCluster[c] < 0) {
      take(cluster.x, cluster.y, titleWidth(cluster), TITLE.height);
      take(cluster.x + cluster.width - MARGIN, cluster.y + cluster.height - MARGIN, MARGIN, MARGIN);
    }
  });
  const mapX = squeezed(xs), mapY = squeezed(ys);

  // A point, which may be inside the frame of a collapsed module.
  const placed = (x, y, holder) => {
    if (holder < 0) return [mapX(x), mapY(y)];
    const frame = scene.clusters[holder], box = boxes[holder];
    const dx = x - frame.x - frame.width / 2, dy = y - frame.y - frame.height / 2;
    if (Math.abs(dx) > frame.width / 2 + 0.5 || Math.abs(dy) > frame.height / 2 + 0.5) return [mapX(x), mapY(y)];
    return [
      mapX(box.x + box.width / 2) + (dx * box.width) / frame.width,
      mapY(box.y + box.height / 2) + (dy * box.height) / frame.height,
    ];
  };
  const rectangle = (x, y, width, height, holder) => {
    const [left, top] = placed(x, y, holder), [right, bottom] = placed(x + width, y + height, holder);
    return { x: left, y: top, width: right - left, height: bottom - top };
  };
  const clusters = scene.clusters.map((cluster, c) =>
    rectangle(cluster.x, cluster.y, cluster.width, cluster.height, held.ofCluster[c]));
  const vertices = scene.vertices.map((v, n) => {
    const [x, y] = placed(v.x, v.y, held.ofVertex[n]);
    return { x, y };
  });

  const shown = [], drawnFor = new Map();
  const edges = scene.edges.map((edge, number) => {
    const tail = held.ofVertex[edge.from], head = held.ofVertex[edge.to];
    const key = tail < 0 && head < 0 ? number : `${tail < 0 ? edge.from : -1 - tail} ${head < 0 ? edge.to : -1 - head}`;
    if (!drawnFor.has(key)) drawnFor.set(key, number);
    shown.push(tail >= 0 && tail === head ? -1 : drawnFor.get(key));
    edge.samples ??= sampled(edge.points);
    const points = [];
    for (let i = 0; i < edge.samples.length; i += 2) {
      const x = edge.samples[i], y = edge.samples[i + 1];
      const inTail = tail >= 0 && within(x, y, scene.clusters[tail]);
      points.push(...placed(x, y, inTail ? tail : head));
    }
    return points;
  });
  if (scene.collapsed.size) narrowed(scene, clusters, vertices, held);
  const places = { vertices, clusters, edges, shown, held, bounds: boundsOf(scene, { vertices, clusters, held }) };
  if (scene.collapsed.size) shortened(scene, places);
  return places;
}

const within = (x, y, box) => x >= box.x && x <= box.x + box.width && y >= box.y && y <= box.y + box.height;
const titleWidth = (cluster) => Math.min(widthOf(cluster.title, TITLE.style) + 30, cluster.width);

// Points along a chain of Bézier curves.
function sampled(points, pieces = 8) {
  const found = [points[0], points[1]];
  for (let start = 0; start + 7 < points.length; start += 6) {
    for (let piece = 1; piece <= pieces; piece++) {
      const t = piece / pieces, s = 1 - t;
      const weights = [s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t];
      for (const axis of [0, 1]) {
        found.push(weights.reduce((sum, weight, k) => sum + weight * points[start + 2 * k + axis], 0));
      }
    }
  }
  return found;
}

function boundsOf(scene, { vertices, clusters, held }) {
  let left = Infinity, top = Infinity, right = -Infinity, bottom = -Infinity;
  const include = (x0, y0, x1, y1) => {
    left = Math.min(left, x0), top = Math.min(top, y0), right = Math.max(right, x1), bottom = Math.max(bottom, y1);
  };
  scene.vertices.forEach((v, n) => {
    const { x, y } = vertices[n];
    if (held.ofVertex[n] < 0) include(x - v.width / 2, y - v.height / 2, x + v.width / 2, y + v.height / 2);
  });
  clusters.forEach((box) => include(box.x, box.y, box.x + box.width, box.y + box.height));
  if (left > right) return { x: 0, y: 0, width: 1, height: 1 };
  return { x: left, y: top, width: right - left, height: bottom - top };
}

// Where the line from a point inside a box to one outside leaves it.
function exitOf(box, inside, outside) {
  const cut = (from, to, low, high) =>
    to < low ? (low - from) / (to - from) : to > high ? (high - from) / (to - from) : Infinity;
  const t = Math.min(1, cut(inside[0], outside[0], box.x, box.x + box.width),
                     cut(inside[1], outside[1], box.y, box.y + box.height));
  return [inside[0] + t * (outside[0] - inside[0]), inside[1] + t * (outside[1] - inside[1])];
}

// A line of points without what lies in the box at its start, and in that at its end (null: there is none).
function clipped(points, startBox, endBox) {
  let line = [];
  for (let i = 0; i < points.length; i += 2) line.push([points[i], points[i + 1]]);
  const cutStart = (box) => {
    const out = line.findIndex(([x, y]) => !within(x, y, box));
    if (out > 0) line = [exitOf(box, line[out - 1], line[out]), ...line.slice(out)];
  };
  if (startBox) cutStart(startBox);
  if (endBox) {
    line.reverse();
    cutStart(endBox);
    line.reverse();
  }
  return line;
}

// A smooth path along points.
function pathText(line) {
  const text = [`M${line[0][0].toFixed(1)} ${line[0][1].toFixed(1)}`];
  for (let i = 1; i < line.length - 1; i++) {
    const [x, y] = line[i], [nextX, nextY] = line[i + 1];
    const last = i === line.length - 2;
    const [endX, endY] = last ? [nextX, nextY] : [(x + nextX) / 2, (y + nextY) / 2];
    text.push(`Q${x.toFixed(1)} ${y.toFixed(1)} ${endX.toFixed(1)} ${endY.toFixed(1)}`);
  }
  if (line.length === 2) text.push(`L${line[1][0].toFixed(1)} ${line[1][1].toFixed(1)}`);
  return text.join("");
}
