// Fitted curves: data of chosen levels, the line fitted to them, and its bands, all on the same axes.

const CURVE_MOST = 12; // levels with a picture each

// Numbers of double precision: years and times have more digits than single precision holds.
function f64(view) {
  if (!view || !view.byteLength) return new Float64Array(0);
  return new Float64Array(view.buffer.slice(view.byteOffset, view.byteOffset + (view.byteLength & ~7)));
}

// The area between two lines over the same x, as the `d` of a path.
function bandPath(xs, low, high, across, up) {
  let there = "";
  let back = "";
  for (let i = 0; i < xs.length; i += 1) {
    there += `${i ? "L" : "M"}${across(xs[i]).toFixed(1)} ${up(high[i]).toFixed(1)}`;
    back = `L${across(xs[i]).toFixed(1)} ${up(low[i]).toFixed(1)}${back}`;
  }
  return `${there}${back}Z`;
}

// Dots as one path: thousands of them are still one element.
function dotsPath(xs, ys, across, up) {
  let d = "";
  for (let i = 0; i < xs.length; i += 1) d += `M${across(xs[i]).toFixed(1)} ${up(ys[i]).toFixed(1)}h0`;
  return d;
}

// Bands, line and data of one level: { mean, meanLow, meanHigh, newLow, newHigh, dataX, dataY } over `x`.
function curveMarks(curve, x, across, up) {
  return [
    curve.newLow.length ? svg("path", { class: "pfnb-new-band", d: bandPath(x, curve.newLow, curve.newHigh, across, up) }) : null,
    curve.meanLow.length ? svg("path", { class: "pfnb-mean-band", d: bandPath(x, curve.meanLow, curve.meanHigh, across, up) }) : null,
    svg("path", { class: "pfnb-curve pfnb-fitted", d: path(x, curve.mean, across, up) }),
    curve.dataX?.length ? svg("path", { class: curve.dataX.length > 80 ? "pfnb-data pfnb-many" : "pfnb-data", d: dotsPath(curve.dataX, curve.dataY, across, up) }) : null,
  ];
}

// One answer of the kernel as curves by level.
function curveLevels(found) {
  const [x, mean, meanLow, meanHigh, newLow, newHigh, dataX, dataY] = found.buffers.map(f64);
  const m = x.length;
  let first = 0;
  const curves = found.names.map((name, i) => {
    const rows = (all) => all.subarray(i * m, all.length ? (i + 1) * m : 0);
    const last = first + found.drawn[i];
    const one = { name, at: found.at[i], count: found.counts[i], mean: rows(mean), meanLow: rows(meanLow), meanHigh: rows(meanHigh),
      newLow: rows(newLow), newHigh: rows(newHigh), dataX: dataX.subarray(first, last), dataY: dataY.subarray(first, last) };
    first = last;
    return one;
  });
  const [xs, ys] = [extent(x, dataX), extent(mean, newLow, newHigh, dataY)];
  const air = 0.03 * (ys[1] - ys[0]);
  return { x, curves, xRange: xs, yRange: [ys[0] - air, ys[1] + air] };
}

// What a curve says at one place, in words.
function curveWords(curve, x, i, { covariate, response, percent }) {
  const fresh = curve.newLow.length > 0; // a probability of events has no band of new responses
  const [low, high] = fresh ? [curve.newLow[i], curve.newHigh[i]] : curve.meanLow.length ? [curve.meanLow[i], curve.meanHigh[i]] : [0, curve.mean[i] || 1];
  const write = (value) => number(value, (high - low) / 4);
  const at = `${curve.name ? `${curve.name}, ` : ""}${covariate} ${curvePlace(x, i)}: ${response} ${write(curve.mean[i])}`;
  const own = curve.meanLow.length ? `, ${percent}% of the mean from ${write(curve.meanLow[i])} to ${write(curve.meanHigh[i])}` : "";
  return fresh ? `${at}${own}, of a new response from ${write(low)} to ${write(high)}` : `${at}${own.replace("of the mean ", "")}`;
}

// A place on the axis with the digits that tell it from its neighbours.
function curvePlace(x, i) {
  const step = x.length > 1 ? Math.abs(x[1] - x[0]) : 1;
  return fixed(x[i], Number.isInteger(x[i]) && Number.isInteger(step) ? 0 : Math.min(Math.max(1 - Math.floor(Math.log10(step || 1)), 0), 6));
}

function curveNearest(x, value) {
  let best = 0;
  for (let i = 1; i < x.length; i += 1) if (Math.abs(x[i] - value) < Math.abs(x[best] - value)) best = i;
  return best;
}

// The `x` under the pointer, in the units of a picture that may be drawn smaller than it is.
function pointerX(event, node) {
  const box = node.getBoundingClientRect();
  return ((event.clientX - box.left) * node.viewBox.baseVal.width) / (box.width || 1);
}

function pointerY(event, node) {
  const box = node.getBoundingClientRect();
  return ((event.clientY - box.top) * node.viewBox.baseVal.height) / (box.height || 1);
}

// A picture that can be read place by place, with the pointer or with the arrow keys.
function readable(node, { count: places_, at, show, hide }) {
  let current = -1;
  const go = (i) => {
    current = Math.min(Math.max(i, 0), places_ - 1);
    show(current);
  };
  node.setAttribute("tabindex", "0");
  node.addEventListener("pointermove", (event) => go(at(event)));
  node.addEventListener("pointerleave", () => (document.activeElement === node ? null : hide()));
  node.addEventListener("focus", () => go(current < 0 ? places_ >> 1 : current));
  node.addEventListener("blur", hide);
  node.addEventListener("keydown", (event) => {
    const to = { ArrowRight: current + 1, ArrowLeft: current - 1, Home: 0, End: places_ - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    go(to);
  });
}

// One level: its picture with its name above.
function curveFigure(curve, scene, words, reading, size) {
  const { x, xRange, yRange } = scene;
  const [width, height, left] = [size.width, size.height, 40];
  const ends = [0, x.length - 1].map((i) => curveWords({ ...curve, name: "" }, x, i, words)).join("; ");
  const node = frame(`${curve.name}: ${count(curve.count)} observation${curve.count === 1 ? "" : "s"}. ${ends}.`, width, height);
  const base = height - 18;
  const across = scale(...xRange, left + 3, width - 5);
  const up = scale(...yRange, base - 2, 4);
  const cursor = svg("g", { class: "pfnb-cursor-group" });
  node.append(...axisBeside(...yRange, up, left, width - 2, height > 180 ? 5 : 3), ...curveMarks(curve, x, across, up),
    ...axisBelow(...xRange, (value) => across(value), base, width, Math.max(2, Math.floor(width / 60))), cursor);
  readable(node, {
    count: x.length,
    at: (event) => curveNearest(x, scale(left + 3, width - 5, ...xRange)(pointerX(event, node))),
    show: (i) => {
      say(reading, `${curveWords(curve, x, i, words)}.`);
      cursor.replaceChildren(svg("line", { class: "pfnb-cursor", x1: across(x[i]), x2: across(x[i]), y1: 4, y2: base - 2 }),
        svg("circle", { class: "pfnb-cursor-dot", cx: across(x[i]), cy: up(curve.mean[i]), r: 3.2 }));
    },
    hide: () => cursor.replaceChildren(),
  });
  return h("figure", { class: "pfnb-multiple", "data-level": curve.name }, h("figcaption", { title: curve.name }, nameOf(curve.name)), node);
}

// All levels in one picture; the one nearest to the pointer is brought forward with its bands and data.
function overlaidFigure(scene, words, reading, factor) {
  const { x, curves, xRange, yRange } = scene;
  const [width, height, left] = [700, 330, 46];
  const lowest = curves.reduce((a, b) => (a.mean[x.length - 1] < b.mean[x.length - 1] ? a : b));
  const highest = curves.reduce((a, b) => (a.mean[x.length - 1] > b.mean[x.length - 1] ? a : b));
  const label = `${count(curves.length)} fitted lines of ${factor}. At the right end lowest: ${curveWords(lowest, x, x.length - 1, words)}; `
    + `highest: ${curveWords(highest, x, x.length - 1, words)}.`;
  const node = frame(label, width, height);
  const base = height - 20;
  const across = scale(...xRange, left + 4, width - 6);
  const up = scale(...yRange, base - 2, 4);
  const front_ = svg("g", {});
  const order = curves.map((_, i) => i).sort((a, b) => curves[a].mean[x.length >> 1] - curves[b].mean[x.length >> 1]);
  node.append(...axisBeside(...yRange, up, left, width - 4, 5),
    svg("path", { class: "pfnb-data pfnb-many", d: curves.map((c) => dotsPath(c.dataX, c.dataY, across, up)).join("") }),
    svg("path", { class: "pfnb-curve pfnb-fitted pfnb-faint", d: curves.map((c) => path(x, c.mean, across, up)).join("") }),
    front_, ...axisBelow(...xRange, across, base, width, 8));
  let [which, spot] = [order[order.length >> 1], x.length >> 1];
  const show = () => {
    const curve = curves[which];
    say(reading, `${curveWords(curve, x, spot, words)}.`);
    front_.replaceChildren(...curveMarks(curve, x, across, up).filter(Boolean),
      svg("circle", { class: "pfnb-cursor-dot", cx: across(x[spot]), cy: up(curve.mean[spot]), r: 3.6 }));
  };
  node.setAttribute("tabindex", "0");
  node.addEventListener("pointermove", (event) => {
    spot = curveNearest(x, scale(left + 4, width - 6, ...xRange)(pointerX(event, node)));
    const value = pointerY(event, node);
    which = curves.reduce((best, c, i) => (Math.abs(up(c.mean[spot]) - value) < Math.abs(up(curves[best].mean[spot]) - value) ? i : best), 0);
    show();
  });
  node.addEventListener("focus", show);
  node.addEventListener("keydown", (event) => {
    const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowUp: [1, 0], ArrowDown: [-1, 0] }[event.key];
    if (!step) return;
    event.preventDefault();
    const rank = Math.min(Math.max(order.indexOf(which) + step[0], 0), order.length - 1);
    [which, spot] = [order[rank], Math.min(Math.max(spot + step[1], 0), x.length - 1)];
    show();
  });
  return h("figure", { class: "pfnb-overlaid" }, node);
}

// Observed against fitted, where there is no covariate that a curve could run along.
function observedFigure(found) {
  const [observed, fitted] = found.buffers.map(f64);
  const [width, height, left] = [430, 380, 50];
  const range = extent(observed, fitted);
  const air = 0.04 * (range[1] - range[0]);
  const span = [range[0] - air, range[1] + air];
  const [across, up] = [scale(...span, left + 4, width - 8), scale(...span, height - 38, 6)];
  const far = observed.reduce((best, value, i) => (Math.abs(value - fitted[i]) > Math.abs(observed[best] - fitted[best]) ? i : best), 0);
  const write = (value) => number(value, (range[1] - range[0]) / 10);
  const label = `${count(found.shown)} observed responses against their fitted means; the farthest apart: `
    + `${found.response} ${write(observed[far])}, fitted ${write(fitted[far])}.`;
  const node = frame(label, width, height);
  node.append(...axisBeside(...span, up, left, width - 6, 5),
    svg("line", { class: "pfnb-even-line", x1: across(span[0]), x2: across(span[1]), y1: up(span[0]), y2: up(span[1]) }),
    svg("path", { class: found.shown > 200 ? "pfnb-data pfnb-many" : "pfnb-data", d: dotsPath(fitted, observed, across, up) }),
    ...axisBelow(...span, across, height - 34, width, 6),
    svg("text", { class: "pfnb-axis-word", x: (left + width) / 2, y: height - 4, "text-anchor": "middle" }, `fitted ${found.response}`));
  const some = found.binned ? `${count(found.rows)} rows in ${count(found.shown)} bins of neighbouring fitted probabilities. `
    : found.shown < found.rows ? `${count(found.shown)} of ${count(found.rows)} rows, evenly spaced. ` : "";
  return [sentence("This model has no numeric covariate for a curve to run along: observed responses against their fitted means."),
    h("figure", {}, h("figcaption", {}, `observed ${found.response}`), node), sentence(`${some}On the dashed line both are alike.`)];
}

function curveQuestion(memory) {
  const { covariate, factor, levels, overlaid } = memory;
  return { ...(covariate === undefined ? {} : { covariate }), ...(factor === undefined ? {} : { factor }),
    ...(overlaid ? { overlaid: true } : levels ? { levels } : {}) };
}

// The menus over the pictures; `change(more)` remembers a choice and draws anew.
function curveControls(found, memory, change, ask) {
  const numbered = (texts) => texts.map((text, i) => ({ value: String(i), text }));
  const covariate = menu(numbered(found.covariates), String(found.covariate), (value) => change({ covariate: Number(value) }));
  const factors = found.factors.map(({ name, levels }) => (name ? `${name} (${count(levels)})` : "all rows"));
  const factor = menu(numbered(factors), String(found.factor), (value) => change({ factor: Number(value), levels: undefined }));
  const view = menu(["side by side", "overlaid"], memory.overlaid ? "overlaid" : "side by side", (value) => change({ overlaid: value === "overlaid" }));
  const fields = [labelled("along", covariate).node, labelled("groups", factor).node, labelled("view", view).node];
  if (memory.overlaid || found.factors[found.factor].levels === 1) return fields;
  const find = async (text) => {
    const hits = await ask({ factor: found.factor, search: text });
    return (hits.names ?? []).map((name, i) => ({ at: hits.at[i], name }));
  };
  const add = levelFinder("show a level", find, (level) => {
    const others = (memory.levels ?? []).filter((i) => i !== level.at);
    change({ levels: [...others, level.at].slice(-CURVE_MOST) });
  });
  return [...fields, add.node];
}

// The levels chosen by hand, each with a button that takes it away.
function curveChosen(found, memory, change) {
  if (!memory.levels || memory.overlaid) return null;
  const chips = found.names.map((name, i) => {
    const chip = h("button", { type: "button", class: "pfnb-button pfnb-chip", "aria-label": `do not show ${name}`, onclick: () => {
      const left = memory.levels.filter((at) => at !== found.at[i]);
      change({ levels: left.length ? left : undefined });
    } }, nameOf(name), h("span", { "aria-hidden": "true" }, " ×"));
    return chip;
  });
  return h("div", { class: "pfnb-chips" }, chips, button("a sample of all", () => change({ levels: undefined })));
}

function curveNote(found) {
  const { name, levels } = found.factors[found.factor];
  const some = found.names.length < levels ? `${count(found.names.length)} of ${count(levels)} levels of ${name}. ` : "";
  const band = found.exact ? "" : `; band: ${found.percent}% of it`;
  const dots = found.binned ? "; dots: shares of neighbouring rows" : "";
  const bands = found.events ? `Line: the probability${band}${dots}.` : found.exact ? `Line: the mean; band: ${found.percent}% of new responses.`
    : `Line: the mean; dark band: ${found.percent}% of the mean; light band: ${found.percent}% of new responses.`;
  return `${some}${bands}${found.held ? ` ${found.held}` : ""}`;
}

async function renderFit(panel, ask, memory) {
  let asked = 0;
  const body = h("div", {});
  const draw = async () => {
    asked += 1;
    const mine = asked;
    const found = await ask(curveQuestion(memory));
    if (mine !== asked) return;
    if (found.fault && Object.keys(memory).length) {
      // What was chosen may not be in a newer fit.
      for (const key of Object.keys(memory)) delete memory[key];
      await draw();
      return;
    }
    if (saidAll(body, found, "kind")) return;
    const busy = body.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
    body.replaceChildren(...(found.kind === "observed" ? observedFigure(found) : curveParts(found, memory, change, ask)).filter(Boolean));
    if (busy) [...body.querySelectorAll("[aria-label]")].find((node) => node.getAttribute("aria-label") === busy)?.focus({ preventScroll: true });
  };
  const change = (more) => {
    Object.assign(memory, more);
    draw();
  };
  panel.append(body);
  await draw();
}

function curveParts(found, memory, change, ask) {
  const scene = curveLevels(found);
  const covariate = found.covariates[found.covariate];
  const words = { covariate, response: found.response, percent: found.percent };
  const reading = h("p", { class: "pfnb-words pfnb-curve-reading", role: "status" }, "Point at a curve, or reach it with Tab and move along with the arrow keys, to read its values.");
  const few = scene.curves.length <= 2;
  const size = few ? { width: 340, height: 230 } : { width: 226, height: 140 };
  const pictures = memory.overlaid
    ? overlaidFigure(scene, words, reading, found.factors[found.factor].name || "all rows")
    : h("div", { class: few ? "pfnb-multiples pfnb-few" : "pfnb-multiples" }, scene.curves.map((curve) => curveFigure(curve, scene, words, reading, size)));
  return [
    h("div", { class: "pfnb-controls" }, curveControls(found, memory, change, ask)),
    curveChosen(found, memory, change),
    h("p", { class: "pfnb-axes-words" }, nameOf(found.response), " along ", nameOf(covariate)),
    pictures,
    reading,
    sentence(curveNote(found), { class: "pfnb-words pfnb-muted" }),
  ];
}
