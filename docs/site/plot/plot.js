"use strict";
{
  const root = document.getElementById("plot");
  const colors = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#c98a00", "#56b4e9", "#7a5c00", "#8a9097", "#b3261e", "#5b4b9a"];
  const make = (name, attributes = {}, text) => {
    const svg = ["svg", "g", "line", "polyline", "circle", "text", "title"].includes(name);
    const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const names = Object.keys(published.sets);
  const all = [...new Set(names.flatMap((name) => Object.keys(published.sets[name].lines)))];
  const hidden = new Set();
  const select = make("select", { "aria-label": "Data set" });
  names.forEach((name) => select.append(make("option", { value: name }, name)));
  const facts = make("p");
  const legend = make("div");
  const place = make("div");
  root.append(select, facts, place, legend);

  const draw = () => {
    const { facts: said, lines } = published.sets[select.value];
    facts.textContent = said;
    const shown = Object.entries(lines).filter(([name]) => !hidden.has(name));
    const [width, height, left, top, bottom] = [720, 420, 64, 20, 46];
    const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "Queries a second by recall", style: "max-width:100%" });
    const rates = Object.values(lines).flat().map((point) => Math.log10(point[1]));
    const [low, high] = [Math.min(...rates) - 0.1, Math.max(...rates) + 0.1];
    // As in the comparison's own plots: the nearer to 1, the more room.
    const x = (recall) => left + ((Math.log10(1 - 0.75) - Math.log10(1 - recall)) / (Math.log10(1 - 0.75) - Math.log10(1 - 0.992))) * (width - left - 20);
    const y = (rate) => height - bottom - ((Math.log10(rate) - low) / (high - low)) * (height - top - bottom);
    const soft = { stroke: "currentColor", "stroke-opacity": 0.15 };
    const label = { fill: "currentColor", "font-size": 13 };
    for (let power = Math.ceil(low); power <= high; power++) {
      svg.append(make("line", { x1: left, x2: width - 20, y1: y(10 ** power), y2: y(10 ** power), ...soft }));
      svg.append(make("text", { x: left - 8, y: y(10 ** power) + 4, "text-anchor": "end", ...label }, (10 ** power).toLocaleString("en")));
    }
    for (const recall of [0.8, 0.9, 0.95, 0.99]) {
      svg.append(make("line", { x1: x(recall), x2: x(recall), y1: top, y2: height - bottom, ...soft }));
      svg.append(make("text", { x: x(recall), y: height - bottom + 18, "text-anchor": "middle", ...label }, recall.toFixed(2)));
    }
    svg.append(make("text", { x: (left + width) / 2, y: height - 6, "text-anchor": "middle", ...label }, "recall of the nearest 10"));
    svg.append(make("text", { x: 4, y: 13, ...label }, "queries a second"));
    for (const [name, points] of shown) {
      const color = colors[all.indexOf(name) % colors.length];
      const group = make("g", { class: "series" });
      group.append(make("polyline", { points: points.map(([recall, rate]) => `${x(recall)},${y(rate)}`).join(" "), fill: "none", stroke: color, "stroke-width": name.startsWith("annoy_rs") ? 3 : 1.8 }));
      for (const [recall, rate, least] of points) {
        const dot = make("circle", { cx: x(recall), cy: y(rate), r: 4, fill: color });
        dot.append(make("title", {}, `${name}: ${least ? "at least " : ""}${rate.toLocaleString("en")} queries a second at recall ${recall}`));
        group.append(dot);
      }
      svg.append(group);
    }
    place.replaceChildren(svg);
    legend.replaceChildren(...Object.keys(lines).map((name) => {
      const box = make("label", { style: "display:inline-block;margin-right:1rem" });
      const input = make("input", { type: "checkbox" });
      input.checked = !hidden.has(name);
      input.addEventListener("change", () => {
        hidden[input.checked ? "delete" : "add"](name);
        draw();
      });
      const swatch = make("span", { style: `display:inline-block;width:.8em;height:.8em;margin:0 .4em;background:${colors[all.indexOf(name) % colors.length]}` });
      box.append(input, swatch, name);
      return box;
    }));
  };
  select.addEventListener("change", draw);
  draw();
}
