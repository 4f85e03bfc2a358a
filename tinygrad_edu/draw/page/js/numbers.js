// Numbers as text: in boxes, where there is room for seven characters each, and in sentences.

const MINUS = "\u2212";

// A number in few characters: 0.1235, 12.35, 1.2e-5. Texts ("nan", "inf") stay what they are.
function short(x, digits = 4) {
  if (x === null || x === undefined) return "?";
  if (typeof x === "string") return x.replace("-", MINUS);
  if (x === 0) return "0";
  const size = Math.abs(x);
  let text;
  if (Number.isInteger(x) && size < 1e6) text = String(x);
  else if (size >= 1e5 || size < 1e-3) text = x.toExponential(digits > 2 ? 1 : digits - 1).replace("e+", "e");
  else text = x.toFixed(clamp(digits - 1 - Math.floor(Math.log10(size)), 0, digits));
  return text.replaceAll("-", MINUS);
}

function bytesText(count) {
  for (const [unit, size] of [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]]) {
    if (count >= size) return `${(count / size).toPrecision(3)} ${unit}`;
  }
  return counted(count, "byte");
}

// Mean and standard deviation of a described value's finite numbers.
function moments(value) {
  if (!value.full) return { mean: value.mean ?? null, std: value.std ?? null };
  const finite = value.full.filter((x) => typeof x === "number");
  if (!finite.length) return { mean: null, std: null };
  const mean = finite.reduce((sum, x) => sum + x, 0) / finite.length;
  return { mean, std: Math.sqrt(finite.reduce((sum, x) => sum + (x - mean) ** 2, 0) / finite.length) };
}

const holes = (value) => (value.full ? value.full.filter((x) => typeof x !== "number").length : value.nonfinite ?? 0);

// A described value in one short line. A mean that is nothing beside the deviation is 0.
function statistics(value) {
  const { mean, std } = moments(value);
  if (holes(value)) return `${holes(value)} not finite`;
  if (mean === null) return "?";
  return `${Math.abs(mean) < 5e-4 * std ? "0" : short(mean, 3)} ± ${short(std, 3)}`;
}

function brief(value) {
  if (value === null) return "unknown";
  if (!value.full || value.full.length > 9) return `${statistics(value)} (mean ± standard deviation)`;
  return nested(value.full.map((x) => short(x)), value.shape);
}

function nested(texts, shape) {
  if (!shape.length) return texts[0];
  if (shape.length === 1) return `[${texts.join(", ")}]`;
  const size = texts.length / (shape[0] || 1);
  const rows = [...Array(shape[0]).keys()].map((n) => nested(texts.slice(n * size, (n + 1) * size), shape.slice(1)));
  return `[${rows.join(", ")}]`;
}

// The lines that a box shows for a value: rows of numbers if cells is [rows, columns], else statistics.
function rowsOf(value, cells) {
  const rows = cells.length ? cells[0] : 1;
  if (!value) return Array(rows).fill("");
  const fits = cells.length && value.full?.length === rows * cells[1];
  if (!fits) return [statistics(value), ...Array(rows - 1).fill("")];
  if (value.full.length === 1) return [short(value.full[0])];
  return [...Array(rows).keys()].map((row) =>
    value.full.slice(row * cells[1], (row + 1) * cells[1]).map((x) => short(x).padStart(8)).join("").slice(1));
}
