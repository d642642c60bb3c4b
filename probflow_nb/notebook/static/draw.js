// Drawing: what every widget of this package makes its page from. Text from data is only ever set as text.

const SVG = "http://www.w3.org/2000/svg";
const MISSING = "—";

function put(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    // A handler is a function, never a text that a browser would read as script.
    if (name.startsWith("on")) {
      if (typeof value === "function") node.addEventListener(name.slice(2), value);
    } else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

// Make an element: h("button", { class: "pfnb-button", onclick: stop }, "Stop").
function h(tag, attributes, ...children) {
  return put(document.createElement(tag), attributes, children);
}

// Make an element of a picture: svg("path", { d: "M0 0" }).
function svg(tag, attributes, ...children) {
  return put(document.createElementNS(SVG, tag), attributes, children);
}

// A binary trait as numbers; empty where there is none.
function f32(view) {
  if (!view || !view.byteLength) return new Float32Array(0);
  return new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + (view.byteLength & ~3)));
}

// Set a text only where it differs, so that a screen reader is not told the same thing again.
function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
  return node;
}

// Numbers in words ----------------------------------------------------------------------------------------------------

// Decimals that a number deserves beside its spread: two significant digits of the spread, at most six.
function places(spread) {
  if (!(spread > 0) || !Number.isFinite(spread)) return 2;
  return Math.min(Math.max(1 - Math.floor(Math.log10(spread)), 0), 6);
}

// Write a number to so many decimals: thousands apart from 10,000 on, a true minus sign, an exponent for the extremes.
function fixed(value, decimals = 2) {
  if (value === null || value === undefined || Number.isNaN(value)) return MISSING;
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size >= 1e7 || (size > 0 && size < 0.5 * 10 ** -6)) return value.toExponential(2).replaceAll("-", "−").replace("+", "");
  const written = size >= 1e4
    ? value.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals })
    : value.toFixed(decimals);
  return (/[1-9]/.test(written) ? written : written.replace("-", "")).replace("-", "−");
}

// Write a number with the digits that its spread lets it deserve.
function number(value, spread) {
  return fixed(value, places(spread ?? Math.abs(value) / 10));
}

function count(value) {
  return fixed(value, 0).replace(/^(−?\d)(\d{3})$/, "$1,$2");
}

// Write a time as a person says it: "0.8 s", "12 s", "3 min 20 s", "2 h 5 min".
function duration(seconds, decimals = 1) {
  if (seconds < 10 - 0.5 * 10 ** -decimals) return `${seconds.toFixed(decimals)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

// Scales --------------------------------------------------------------------------------------------------------------

// Round numbers inside [low, high], at most about `most` of them.
function ticks(low, high, most = 4) {
  const span = high - low;
  if (!(span > 0) || !Number.isFinite(span)) return Number.isFinite(low) ? [low] : [];
  const rough = span / Math.max(most, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * (1 - 1e-9));
  const first = Math.ceil(low / step - 1e-9);
  const found = [];
  for (let i = first; i * step <= high + 1e-9 * span; i += 1) found.push(i * step);
  return found;
}

// As many round numbers as their words leave room for on a horizontal axis.
function roomy(low, high, width) {
  for (let most = 6; most > 1; most -= 1) {
    const marks = ticks(low, high, most);
    const longest = Math.max(...tickWords(marks).map((word) => word.length), 0);
    if (marks.length * (longest * 5.8 + 14) <= width) return marks;
  }
  return ticks(low, high, 1);
}

// Words of ticks, all to the same decimals.
function tickWords(marks) {
  const step = marks.length > 1 ? marks[1] - marks[0] : Math.abs(marks[0] ?? 1) || 1;
  const decimals = Math.min(Math.max(-Math.floor(Math.log10(step) + 1e-9), 0), 6);
  return marks.map((mark) => fixed(mark, decimals));
}

// The straight line that takes [low, high] to [from, to].
function scale(low, high, from, to) {
  const slope = (to - from) / (high - low || 1);
  return (value) => from + (value - low) * slope;
}

// The `d` of a line through points; it breaks where a number is missing.
function path(xs, ys, x, y) {
  let d = "";
  let pen = "M";
  for (let i = 0; i < ys.length; i += 1) {
    if (!Number.isFinite(ys[i]) || !Number.isFinite(xs[i])) pen = "M";
    else {
      d += `${pen}${x(xs[i]).toFixed(1)} ${y(ys[i]).toFixed(1)}`;
      pen = "L";
    }
  }
  return d;
}

function grid(low, high, size) {
  return Float32Array.from({ length: size }, (_, i) => low + ((high - low) * (i + 0.5)) / size);
}

// The least and the greatest of some lists; [0, 1] where there is nothing.
function extent(...lists) {
  let low = Infinity;
  let high = -Infinity;
  for (const list of lists) {
    for (const value of list) {
      if (value < low && value !== -Infinity) low = value;
      if (value > high && value !== Infinity) high = value;
    }
  }
  if (!(low <= high)) return [0, 1];
  return low < high ? [low, high] : [low - (Math.abs(low) / 10 || 1), high + (Math.abs(high) / 10 || 1)];
}

// Pictures ------------------------------------------------------------------------------------------------------------

// An empty picture with its text for who cannot see it; `into` is one to be drawn anew.
function frame(label, width, height, into) {
  const node = into ?? svg("svg", { role: "img", class: "pfnb-picture" });
  node.setAttribute("aria-label", label);
  node.setAttribute("width", width);
  node.setAttribute("height", height);
  node.setAttribute("viewBox", `0 0 ${width} ${height}`);
  node.replaceChildren();
  return node;
}

// A horizontal axis with its ticks below the line; ends of the words are kept inside the picture.
function axisBelow(low, high, x, top, width) {
  const marks = roomy(low, high, x(high) - x(low));
  const words = tickWords(marks);
  const line = svg("line", { class: "pfnb-axis", x1: x(low), x2: x(high), y1: top, y2: top });
  return [line, ...marks.map((mark, i) => {
    const half = words[i].length * 2.9;
    const middle = Math.min(Math.max(x(mark), half), width - half);
    return svg("g", {}, svg("line", { class: "pfnb-axis", x1: x(mark), x2: x(mark), y1: top, y2: top + 3 }),
      svg("text", { class: "pfnb-tick", x: middle, y: top + 13, "text-anchor": "middle" }, words[i]));
  })];
}

// A vertical axis: words left of the picture, thin lines across it.
function axisBeside(low, high, y, left, right, most = 4) {
  const marks = ticks(low, high, most);
  const words = tickWords(marks);
  return marks.map((mark, i) => svg("g", {},
    svg("line", { class: "pfnb-grid", x1: left, x2: right, y1: y(mark), y2: y(mark) }),
    svg("text", { class: "pfnb-tick", x: left - 5, y: y(mark) + 3.5, "text-anchor": "end" }, words[i])));
}

// A density in words: "sigma: mean 25.6, 95% from 22.8 to 28.9".
function densityLabel(name, { mean, low, high }) {
  const decimals = places((high - low) / 4);
  return `${name}: mean ${fixed(mean, decimals)}, 95% from ${fixed(low, decimals)} to ${fixed(high, decimals)}`;
}

// A posterior density with its mean and 95% interval.
// x: centres of the cells, or [from, to] of equal cells. y: density there. low, high: of the interval.
// hue: "common", "variance", "correlation" or "". label: the text for who cannot see it. range: what the axis spans.
function densityPicture({ x, y, mean, low, high, hue = "", label = "", range, width = 196, height = 78, into }) {
  const xs = x.length === 2 && y.length !== 2 ? grid(x[0], x[1], y.length) : x;
  const [from, to] = range ?? (x.length === 2 ? x : extent(x));
  const node = frame(label, width, height, into);
  const base = height - 18;
  const across = scale(from, to, 4, width - 4);
  const up = scale(0, Math.max(...y, 1e-300), base - 8, 3);
  const d = path(xs, y, across, up);
  const colour = `var(--pf-${hue || "ink"})`;
  if (d) {
    const ends = `L${across(xs[xs.length - 1]).toFixed(1)} ${base - 8}L${across(xs[0]).toFixed(1)} ${base - 8}Z`;
    node.append(svg("path", { d: d + ends, fill: colour, "fill-opacity": 0.16 }),
      svg("path", { class: "pfnb-curve", d, stroke: colour }));
  }
  const inside = (value) => Math.min(Math.max(across(value), 2), width - 2);
  if (low < high) {
    node.append(svg("line", { x1: inside(low), x2: inside(high), y1: base - 4, y2: base - 4, stroke: colour, "stroke-width": 2 }));
  }
  if (Number.isFinite(mean)) node.append(svg("circle", { cx: inside(mean), cy: base - 4, r: 3, fill: colour }));
  node.append(...axisBelow(from, to, across, base, width));
  return node;
}

// One line or several over the same x.
// lines: [{ x, y, hue, opacity }]. words: of the axes, { x, y }. range: { x: [low, high], y: [low, high] } if it is fixed.
function linePicture({ lines, label = "", words = {}, range = {}, width = 620, height = 130, into }) {
  const node = frame(label, width, height, into);
  const [left, right, top, base] = [64, width - 8, 8, height - (words.x ? 32 : 20)];
  const [from, to] = range.x ?? extent(...lines.map((line) => line.x));
  const [bottom, ceiling] = range.y ?? extent(...lines.map((line) => line.y));
  const across = scale(from, to, left, right);
  const up = scale(bottom, ceiling, base - 3, top);
  node.append(...axisBeside(bottom, ceiling, up, left, right), ...axisBelow(from, to, across, base, width));
  for (const line of lines) {
    const stroke = `var(--pf-${line.hue || "ink"})`;
    node.append(svg("path", { class: "pfnb-curve", d: path(line.x, line.y, across, up), stroke, "stroke-opacity": line.opacity ?? 1 }));
  }
  if (words.x) node.append(svg("text", { class: "pfnb-axis-word", x: (left + right) / 2, y: height - 3, "text-anchor": "middle" }, words.x));
  if (words.y) {
    const middle = (top + base) / 2;
    node.append(svg("text", { class: "pfnb-axis-word", x: 10, y: middle, "text-anchor": "middle", transform: `rotate(-90 10 ${middle})` }, words.y));
  }
  return node;
}

// Controls ------------------------------------------------------------------------------------------------------------

// A control with its visible label around it, and room for a sentence below: { node, control, tell(sentence) }.
function labelled(text, control, { about = "", wide = false } = {}) {
  const fault = h("span", { class: "pfnb-fault", role: "alert" });
  const node = h("div", { class: wide ? "pfnb-field pfnb-wide" : "pfnb-field" },
    h("label", {}, h("span", { class: "pfnb-label" }, text), control), fault);
  control.setAttribute("aria-label", text);
  if (about) control.setAttribute("title", about);
  const tell = (sentence) => {
    say(fault, sentence ?? "");
    if (sentence) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
  };
  return { node, control, tell };
}

// A menu. choices: texts, or { value, text, disabled, about }.
function menu(choices, chosen, onchange) {
  return h("select", { class: "pfnb-input", onchange: onchange && ((event) => onchange(event.target.value)) },
    ...choices.map((choice) => {
      const { value, text, disabled, about } = typeof choice === "string" ? { value: choice, text: choice } : choice;
      return h("option", { value, disabled, title: about || null, selected: value === chosen }, text ?? value);
    }));
}

function button(text, onclick, { main = false, about = "" } = {}) {
  return h("button", { type: "button", class: main ? "pfnb-button pfnb-main" : "pfnb-button", title: about || null, onclick }, text);
}

// Make an element the root of a widget: the look, and keys that are its own and no shortcuts of the notebook.
function widget(el) {
  el.classList.add("pfnb-widget");
  // JupyterLab looks for this mark from the focused element upwards, but only after it has matched that element itself.
  const mark = (node) => node.setAttribute("data-lm-suppress-shortcuts", "true");
  mark(el);
  el.addEventListener("focusin", (event) => mark(event.target));
  // A notebook may keep the Enter key to itself, so what it does is not left to the browser.
  el.addEventListener("keydown", (event) => {
    const target = event.target;
    if (event.key !== "Enter" || event.isComposing) return;
    if (target.matches("button, summary")) {
      event.preventDefault();
      if (!event.repeat) target.click();
    } else if (target.matches("input:not([type=range])")) {
      event.preventDefault();
      target.dispatchEvent(new Event("change", { bubbles: true }));
      target.form?.requestSubmit();
    }
  });
}

// Draw at most once a frame; cancel() for the end of the widget.
function paced(draw) {
  let waiting = 0;
  const later = () => {
    waiting ||= requestAnimationFrame(() => {
      waiting = 0;
      draw();
    });
  };
  later.cancel = () => cancelAnimationFrame(waiting);
  return later;
}
