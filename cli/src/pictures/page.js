"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const { items, map } = data;
const $ = (selector, within = document) => within.querySelector(selector);

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
const id = (at) => (items.ids ? items.ids[at] : at);
const digits = (x) => (x === 0 ? "0" : Math.abs(x) >= 1e5 || Math.abs(x) < 1e-3 ? x.toExponential(2) : String(+x.toPrecision(4)));

// What the file is.
$("#summary").textContent = data.summary ?? "";
$("#made").textContent = `Made by annoy ${data.version}. All of this page is in its one file.`;
for (const [title, rows] of Object.entries(data.facts ?? {})) {
  const section = element("section");
  const table = element("table");
  for (const [name, value] of rows) {
    const row = table.appendChild(element("tr"));
    row.append(element("td", name), element("td", value));
  }
  section.append(element("h2", title), table);
  $("#facts").append(section);
}
if (!data.curve) $("main").classList.add("map-only");

// The map.
const canvas = $("canvas");
const context = canvas.getContext("2d");
const view = { zoom: 1, x: 0.5, y: 0.5 };
let chosen = map.marked[0] ?? null;
let pointed = null;
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// Items are in the middle of a square from 0 to 1, whose width or height they fill.
const span = (numbers) => Math.max(0.05, numbers.reduce((most, x) => Math.max(most, Math.abs(2 * x - 1)), 0));
const [spanX, spanY] = [span(map.x), span(map.y)];

/// How many pixels of CSS that square is wide.
function scale(zoom = view.zoom) {
  const { width, height } = canvas.getBoundingClientRect();
  return Math.min((width - 24) / spanX, (height - 24) / spanY) * zoom;
}

/// A place on the canvas, in pixels of CSS.
function place(at) {
  const { width, height } = canvas.getBoundingClientRect();
  const size = scale();
  return [width / 2 + (map.x[at] - view.x) * size, height / 2 - (map.y[at] - view.y) * size];
}

function draw() {
  const { width, height } = canvas.getBoundingClientRect();
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const dot = Math.min(4, Math.max(1.1, 60 / Math.sqrt(items.shown)) * Math.sqrt(view.zoom));
  const fills = {};
  context.globalAlpha = 0.7;
  const size = scale();
  for (let at = 0; at < items.shown; at++) {
    const [x, y] = [width / 2 + (map.x[at] - view.x) * size, height / 2 - (map.y[at] - view.y) * size];
    if (x < 0 || y < 0 || x > width || y > height) continue;
    const name = map.color ? map.color.classes[at] : "g0";
    context.fillStyle = fills[name] ??= color(name);
    context.fillRect(x - dot / 2, y - dot / 2, dot, dot);
  }
  context.globalAlpha = 1;
  for (const at of new Set([...map.marked, ...(chosen === null ? [] : [chosen])])) mark(at);
}

/// A ring around an item, and names on it and its neighbours.
function mark(at) {
  const accent = color("accent");
  const page = color("page");
  const ring = (at, radius, width) => {
    const [x, y] = place(at);
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.lineWidth = width;
    context.strokeStyle = accent;
    context.stroke();
  };
  const taken = [];
  const write = (at, font) => {
    const [x, y] = place(at);
    context.font = font;
    const box = [x + 6, y - 7, context.measureText(items.names[at]).width, 14];
    const free = taken.every(([left, top, wide, high]) => box[0] > left + wide || left > box[0] + box[2] || box[1] > top + high || top > box[1] + box[3]);
    if (!free) return;
    taken.push(box);
    context.lineWidth = 3;
    context.strokeStyle = page;
    context.strokeText(items.names[at], x + 6, y + 4);
    context.fillStyle = accent;
    context.fillText(items.names[at], x + 6, y + 4);
  };
  const near = (items.near[at] ?? []).filter((other) => other < items.shown);
  near.forEach((other) => ring(other, 3, 1.5));
  ring(at, 6, 2);
  write(at, "600 13px system-ui, sans-serif");
  near.forEach((other) => write(other, "12px system-ui, sans-serif"));
}

function nearestTo(x, y, within) {
  let best = null;
  let least = within * within;
  const { width, height } = canvas.getBoundingClientRect();
  const size = scale();
  for (let at = 0; at < items.shown; at++) {
    const [px, py] = [width / 2 + (map.x[at] - view.x) * size, height / 2 - (map.y[at] - view.y) * size];
    const square = (px - x) ** 2 + (py - y) ** 2;
    if (square < least) [best, least] = [at, square];
  }
  return best;
}

function zoom(factor, x, y) {
  const { width, height } = canvas.getBoundingClientRect();
  const before = scale();
  view.zoom = Math.min(200, Math.max(0.5, view.zoom * factor));
  const after = scale();
  // What is below the pointer stays there.
  view.x += (x - width / 2) * (1 / before - 1 / after);
  view.y -= (y - height / 2) * (1 / before - 1 / after);
  draw();
}

function tip(at) {
  pointed = at;
  const box = $("#tip");
  box.hidden = at === null;
  if (at === null) return;
  box.textContent = items.names[at];
  const [x, y] = place(at);
  const left = Math.min(x + 10, canvas.clientWidth - box.offsetWidth - 2);
  box.style.left = `${left}px`;
  box.style.top = `${y + 10}px`;
}

const pointers = new Map();
let moved = 0;
canvas.addEventListener("pointerdown", (event) => {
  pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
  moved = 0;
  canvas.setPointerCapture(event.pointerId);
});
canvas.addEventListener("pointermove", (event) => {
  const old = pointers.get(event.pointerId);
  if (!old) {
    tip(nearestTo(event.offsetX, event.offsetY, 12));
    return;
  }
  const [dx, dy] = [event.offsetX - old[0], event.offsetY - old[1]];
  const others = [...pointers].filter(([key]) => key !== event.pointerId);
  pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
  moved += Math.abs(dx) + Math.abs(dy);
  if (others.length > 0) {
    const [x, y] = others[0][1];
    const apart = (to) => Math.hypot(to[0] - x, to[1] - y) || 1;
    zoom(apart([event.offsetX, event.offsetY]) / apart(old), x, y);
  } else if (moved > 3) {
    view.x -= dx / scale();
    view.y += dy / scale();
    tip(null);
    draw();
  }
});
const release = (event) => {
  const was = pointers.delete(event.pointerId);
  if (event.type !== "pointerup" || !was || moved > 3) return;
  const at = nearestTo(event.offsetX, event.offsetY, 12);
  if (at !== null) choose(at);
};
canvas.addEventListener("pointerup", release);
canvas.addEventListener("pointercancel", release);
canvas.addEventListener("pointerleave", () => tip(null));
canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  zoom(Math.exp(-event.deltaY / 300), event.offsetX, event.offsetY);
}, { passive: false });
canvas.addEventListener("keydown", (event) => {
  const step = 0.1 / view.zoom;
  const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
  const move = moves[event.key];
  if (move) {
    view.x += move[0];
    view.y += move[1];
    draw();
  } else if (event.key === "+" || event.key === "-") {
    zoom(event.key === "+" ? 1.5 : 1 / 1.5, canvas.clientWidth / 2, canvas.clientHeight / 2);
  } else {
    return;
  }
  event.preventDefault();
});
for (const button of document.querySelectorAll("[data-zoom]")) {
  button.addEventListener("click", () => {
    const factor = Number(button.dataset.zoom);
    if (factor === 0) Object.assign(view, { zoom: 1, x: 0.5, y: 0.5 });
    zoom(factor || 1, canvas.clientWidth / 2, canvas.clientHeight / 2);
  });
}

$("#note").textContent = `${map.note} The wheel or + and − zoom, dragging moves, a click chooses an item.`;
if (map.color) {
  const { name, key } = map.color;
  const box = $("#key");
  const swatch = (kind) => {
    const made = element("i");
    made.style.background = `var(--${kind})`;
    return made;
  };
  box.append(element("span", `${name}:`));
  if (key.groups) {
    key.groups.forEach((group, at) => {
      const one = element("span");
      one.append(swatch(`g${at}`), group);
      box.append(one);
    });
  } else {
    const steps = element("span", undefined, { class: "steps" });
    for (let at = 0; at < key.steps; at++) steps.append(swatch(`s${at}`));
    box.append(element("span", `${digits(key.low)} or less`), steps, element("span", `${digits(key.high)} or more`));
  }
}

// Neighbours.
const box = $("#query");
const choices = $("#choices");
let active = -1;
$("label[for=query]").textContent = items.labels ? "Find an item by its label" : "Find an item by its number";
if (items.shown < items.total) {
  $(".search").append(element("p", `${items.shown} of the ${items.total} items are in this page; neighbours are of all.`, { class: "note" }));
}
if (items.product) $("#unit").textContent = "product";
// Without case, which few people think of when they search.
const folded = items.names.slice(0, items.shown).map((name) => name.toLowerCase());

function matches(text) {
  const wanted = text.trim().toLowerCase().replace(/^#/, "");
  if (!wanted) return [];
  const ranks = [[], [], []];
  for (let at = 0; at < folded.length && ranks[0].length + ranks[1].length < 200; at++) {
    const name = folded[at];
    if (name === wanted || String(id(at)) === wanted) ranks[0].push(at);
    else if (name.startsWith(wanted)) ranks[1].push(at);
    else if (ranks[2].length < 200 && name.includes(wanted)) ranks[2].push(at);
  }
  return ranks.flat().slice(0, 8);
}

function offer(found) {
  active = -1;
  choices.replaceChildren(...found.map((at) => {
    const choice = element("li", items.names[at], { role: "option", id: `choice-${at}`, "data-at": at });
    choice.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      choose(at);
    });
    return choice;
  }));
  choices.hidden = found.length === 0;
  box.setAttribute("aria-expanded", String(found.length > 0));
}

box.addEventListener("input", () => offer(matches(box.value)));
box.addEventListener("blur", () => offer([]));
box.addEventListener("keydown", (event) => {
  const all = [...choices.children];
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    if (all.length === 0) return;
    event.preventDefault();
    active = (active + (event.key === "ArrowDown" ? 1 : all.length - 1) + (active < 0 && event.key === "ArrowUp" ? 1 : 0)) % all.length;
    all.forEach((one, at) => one.setAttribute("aria-selected", String(at === active)));
    box.setAttribute("aria-activedescendant", all[active].id);
  } else if (event.key === "Enter") {
    const found = active >= 0 ? Number(all[active].dataset.at) : matches(box.value)[0];
    if (found !== undefined) choose(found);
    else $("#selected").textContent = box.value.trim() ? `No item here is called “${box.value.trim()}”.` : "";
  } else if (event.key === "Escape") {
    offer([]);
  }
});

function choose(at) {
  chosen = at;
  // Into sight.
  if (view.zoom > 1) Object.assign(view, { x: map.x[at], y: map.y[at] });
  box.value = items.names[at];
  offer([]);
  const named = items.names[at] === `#${id(at)}` ? items.names[at] : `${items.names[at]} (item ${id(at)})`;
  $("#selected").textContent = items.near[at].length ? `Nearest to ${named}:` : `${named} has no neighbours.`;
  const most = Math.max(...items.distances[at].map(Math.abs), Number.MIN_VALUE);
  $("#neighbors tbody").replaceChildren(...items.near[at].map((other, rank) => {
    const row = element("tr");
    const name = element("td");
    if (other < items.shown) {
      const link = element("button", items.names[other], { type: "button", class: "link" });
      link.addEventListener("click", () => choose(other));
      name.append(link);
    } else {
      name.textContent = items.names[other];
    }
    const distance = items.distances[at][rank];
    const bar = element("span", undefined, { class: "bar" });
    bar.style.width = `${(100 * Math.abs(distance)) / most}%`;
    const last = element("td");
    last.append(bar);
    row.append(element("td", rank + 1), name, element("td", digits(distance)), last);
    return row;
  }));
  draw();
}

// Charts.
function shape(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/// An empty chart with its axes; scales are functions to 0..1, ticks are [value, text].
function chart(into, { xTicks, yTicks, x, y, xTitle, yTitle }) {
  const [width, height, left, top, right, bottom] = [560, 320, 52, 26, 16, 44];
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${yTitle} over ${xTitle}` });
  const at = (value) => left + x(value) * (width - left - right);
  const up = (value) => height - bottom - y(value) * (height - top - bottom);
  for (const [value, text] of yTicks) {
    svg.append(shape("line", { class: "axis", x1: left, x2: width - right, y1: up(value), y2: up(value) }));
    svg.append(shape("text", { x: left - 8, y: up(value) + 4, "text-anchor": "end" }, text));
  }
  for (const [value, text] of xTicks) {
    svg.append(shape("line", { class: "axis", x1: at(value), x2: at(value), y1: height - bottom, y2: height - bottom + 5 }));
    svg.append(shape("text", { x: at(value), y: height - bottom + 18, "text-anchor": "middle" }, text));
  }
  svg.append(shape("text", { x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle" }, xTitle));
  svg.append(shape("text", { x: 4, y: 14 }, yTitle));
  into.append(svg);
  return { svg, at, up };
}

const between = (low, high) => (value) => (high > low ? (value - low) / (high - low) : 0.5);

function nice(low, high, about) {
  const rough = (high - low || 1) / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((x) => x * power).find((x) => x >= rough);
  const ticks = [];
  for (let x = Math.ceil(low / step) * step; x <= high + step * 1e-6; x += step) ticks.push([x, digits(+x.toPrecision(10))]);
  return ticks;
}

if (data.curve) {
  const section = $("#curve");
  section.hidden = false;
  const { points, n, queries, recall, stored } = data.curve;
  const times = points.map((point) => point.microseconds);
  const low = Math.log10(Math.min(...times)) - 0.05;
  const high = Math.log10(Math.max(...times)) + 0.05;
  const least = Math.floor(Math.min(...points.map((point) => point.recall)) * 10) / 10;
  const ticks = [];
  for (let power = Math.floor(low); power <= high; power++) {
    for (const digit of high - low > 3 ? [1] : [1, 2, 5]) {
      const value = digit * 10 ** power;
      if (Math.log10(value) >= low && Math.log10(value) <= high) ticks.push([value, digits(value)]);
    }
  }
  const { svg, at, up } = chart($(".chart", section), {
    x: (value) => between(low, high)(Math.log10(value)),
    y: between(least, 1),
    xTicks: ticks,
    yTicks: nice(least, 1, 5),
    xTitle: "microseconds a search, one thread (logarithmic)",
    yTitle: `recall of the nearest ${n}`,
  });
  const line = points.filter((point) => point.search_k !== null);
  svg.append(shape("polyline", { points: line.map((point) => `${at(point.microseconds)},${up(point.recall)}`).join(" "), fill: "none", stroke: "var(--g0)", "stroke-width": 2 }));
  const said = (point) => `search_k ${point.search_k ?? "default"}: recall ${digits(point.recall)}, ${digits(point.microseconds)} µs`;
  points.forEach((point, index) => {
    const is = index === data.curve.chosen;
    const [cx, cy] = [at(point.microseconds), up(point.recall)];
    const usual = point.search_k === null;
    const dot = shape("circle", { cx, cy, r: is ? 7 : 4, ...(is ? { class: "chosen" } : { fill: usual ? "var(--g1)" : "var(--g0)" }) });
    dot.append(shape("title", {}, said(point)));
    svg.append(dot);
    if (!is && !usual) return;
    // Below the line, and away from the edge.
    const end = cx > 380;
    const label = shape("text", { x: cx + (end ? -10 : 10), y: cy + (usual ? 34 : 18), "text-anchor": end ? "end" : "start", ...(is ? { class: "chosen" } : {}) });
    label.textContent = is ? `search_k ${point.search_k}` : "default";
    svg.append(label);
  });
  const point = points[data.curve.chosen];
  $(".note", section).textContent = (point ? `For a recall of ${recall}: ${said(point)}. ` : `No search_k finds ${recall}. `)
    + `Measured with ${queries} queries when this page was made. `
    + (stored ? `The file keeps a curve of its own, of ${stored} queries: searches may ask for a recall.` : "The file keeps no curve: after “annoy tune --write”, searches may ask for a recall.");
  const rows = points.map((point) => {
    const row = element("tr");
    row.append(element("td", point.search_k ?? "default"), element("td", digits(point.recall)), element("td", digits(point.microseconds)));
    return row;
  });
  $("tbody", section).append(...rows);
}

if (data.distances) {
  const section = $("#distances");
  section.hidden = false;
  const { low, high, series } = data.distances;
  const steps = series[0].shares.length;
  const most = Math.max(...series.flatMap((one) => one.shares));
  const ticks = nice(0, most, 4);
  const { svg, at, up } = chart($(".chart", section), {
    x: between(low, high),
    y: between(0, most),
    xTicks: nice(low, high, 6),
    yTicks: ticks.map(([value]) => [value, `${digits(+(100 * value).toPrecision(4))} %`]),
    xTitle: items.product ? "inner product" : `${items.metric} distance`,
    yTitle: "share of the items",
  });
  series.forEach((one, index) => {
    const edge = (step) => at(low + ((high - low) * step) / steps);
    let path = `M${edge(0)} ${up(0)}`;
    one.shares.forEach((share, step) => (path += `V${up(share)}H${edge(step + 1)}`));
    const stroke = `var(--g${index})`;
    svg.append(shape("path", { d: `${path}V${up(0)}`, fill: stroke, "fill-opacity": 0.12, stroke, "stroke-width": 1.5 }));
    svg.append(shape("rect", { x: 420, y: 30 + 18 * index, width: 12, height: 12, fill: stroke }));
    svg.append(shape("text", { x: 438, y: 40 + 18 * index }, one.name));
  });
  $(".note", section).textContent = `Of ${data.distances.items} items, evenly chosen. The farther “any two items” are from the nearest, the more a search can tell apart.`;
}

function size() {
  const wide = canvas.parentElement.clientWidth;
  const shape = Math.min(1.2, Math.max(0.5, spanY / spanX));
  canvas.style.height = `${Math.min(wide * shape, Math.max(360, window.innerHeight * 0.8))}px`;
  draw();
}
new ResizeObserver(size).observe(canvas.parentElement);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
size();
choose(chosen ?? 0);
