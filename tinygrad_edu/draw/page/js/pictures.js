// Pictures of values in the panel: tables, histograms, heat maps.

// How far up a scale from cold to warm; around 0 where the values have both signs.
function tint(x, low, high) {
  if (low < 0 && high > 0) {
    const most = Math.max(-low, high);
    return x < 0 ? { hue: "cold", part: -x / most } : { hue: "warm", part: x / most };
  }
  const part = high === low ? 0.5 : (x - low) / (high - low);
  return high <= 0 ? { hue: "cold", part: 1 - part } : { hue: "warm", part };
}

const HUES = { cold: [58, 110, 165], warm: [196, 96, 58] };

// Gradients by their magnitude, on a logarithmic scale that is the same on all pages: 1e-8 and less, ..., 1e4 and more.
const DECADES = { low: -8, high: 4 }, RAMP = 4; // --ramp-0 … --ramp-4

function colourOfMagnitude(magnitude) {
  if (!Number.isFinite(magnitude)) return "var(--ramp-bad)";
  if (magnitude === 0) return "var(--ramp-zero)";
  const place = clamp((Math.log10(magnitude) - DECADES.low) / (DECADES.high - DECADES.low), 0, 1) * RAMP;
  const first = Math.min(Math.floor(place), RAMP - 1);
  return `color-mix(in srgb, var(--ramp-${first + 1}) ${(100 * (place - first)).toFixed(1)}%, var(--ramp-${first}))`;
}

const scaleOfMagnitudes = () =>
  html("p", { class: "magnitudes" }, "gradients: 1e−8 ", html("span"), " 1e4, vanishing to exploding");

function tableOf(value) {
  const finite = value.full.filter((x) => typeof x === "number");
  const low = Math.min(...finite), high = Math.max(...finite);
  const columns = value.shape.length ? value.shape[value.shape.length - 1] : 1;
  const table = html("table", { class: "numbers" });
  for (let start = 0; start < value.full.length; start += columns) {
    const row = html("tr");
    for (const x of value.full.slice(start, start + columns)) {
      const cell = html("td", {}, short(x));
      if (typeof x !== "number") cell.className = "hole";
      else if (value.full.length > 1) {
        const { hue, part } = tint(x, low, high);
        cell.style.backgroundColor = `rgb(${HUES[hue].join(" ")} / ${(0.42 * part).toFixed(3)})`;
      }
      row.append(cell);
    }
    table.append(row);
  }
  return html("div", { class: "scroll" }, table);
}

function histogramOf(value) {
  const counts = value.histogram, most = Math.max(1, ...counts), width = 264, height = 60;
  const picture = svg("svg", { class: "histogram", viewBox: `0 0 ${width} ${height}`, role: "img" });
  const step = width / counts.length;
  counts.forEach((count, bin) => {
    const tall = count ? Math.max((count / most) * height, 1) : 0;
    picture.append(svg("rect", { x: bin * step + 0.5, y: height - tall, width: step - 1, height: tall },
                       svg("title", {}, String(count))));
  });
  if (value.min < 0 && value.max > 0) {
    const zero = (-value.min / (value.max - value.min)) * width;
    picture.append(svg("line", { x1: zero, x2: zero, y1: 0, y2: height }));
  }
  return html("figure", {}, picture, scaleOf(value.min, value.max));
}

function scaleOf(low, high) {
  return html("figcaption", { class: "scale" }, html("span", {}, short(low)), html("span", {}, short(high)));
}

function heatOf({ rows, columns, low, high, data, holes: missing = [] }) {
  const canvas = html("canvas", { class: "heat", width: columns, height: rows, role: "img", "aria-label": "Heat map" });
  const context = canvas.getContext("2d"), picture = context.createImageData(columns, rows), bytes = atob(data);
  const span = typeof low === "number" && typeof high === "number" ? high - low : 0;
  const gone = new Set(missing);
  for (let n = 0; n < rows * columns; n++) {
    const { hue, part } = tint(low + (span * bytes.charCodeAt(n)) / 255, low, high);
    const colour = gone.has(n) ? [200, 0, 160] : HUES[hue].map((c) => 250 + (c - 250) * part);
    picture.data.set([...colour, 255], 4 * n);
  }
  context.putImageData(picture, 0, 0);
  const scale = clamp(264 / columns, 1, 22);
  canvas.style.width = `${Math.round(columns * scale)}px`;
  canvas.style.height = `${Math.round(clamp(rows * scale, 10, 264))}px`;
  return html("figure", {}, canvas, scaleOf(low, high));
}

// A described value, as large as the panel has room for.
function pictureOf(value) {
  const parts = [];
  if (value.full) parts.push(value.full.length ? tableOf(value) : html("p", {}, "no elements"));
  else if (value.histogram) {
    const count = (number) => (number ? number.toLocaleString("en") : null);
    parts.push(factsOf([
      ...["mean", "std", "min", "max"].map((name) => [name, short(value[name])]),
      ["zeros", count(value.zeros)], ["not finite", count(value.nonfinite)],
      ["from", value.sampled ? `a sample of ${count(value.sampled)}` : null],
    ]));
    if (value.min !== null) parts.push(histogramOf(value));
    if (value.heat) parts.push(heatOf(value.heat));
  } else parts.push(html("p", {}, statistics(value)));
  return html("div", { class: "value" }, ...parts);
}
