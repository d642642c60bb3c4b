// The posterior: a density of each scalar that can be read along its axis, and the joint draws of two.

// A density picture whose values are read with the pointer or the arrow keys.
function densityFigure(facts, heights, { width = 222, height = 92 } = {}) {
  const half = facts.step ? facts.step / 2 : Math.abs(facts.start ?? 0) / 2 || 1;
  const [from, to] = [facts.start - half, facts.start + (heights.length - 1) * facts.step + half];
  const reading = h("div", { class: "pfnb-reading", "aria-live": "polite" });
  const write = (value) => fixed(value, Math.max(facts.places, 0));
  const rest = `mean ${write(facts.mean)}, 95% ${write(facts.low)} to ${write(facts.high)}`;
  const picture = densityPicture({
    x: [from, to], y: heights, mean: facts.mean, low: facts.low, high: facts.high, hue: facts.role,
    label: `${facts.name}: mean ${write(facts.mean)}, 95% from ${write(facts.low)} to ${write(facts.high)}`, width, height,
  });
  const across = scale(from, to, 4, width - 4);
  const cursor = svg("line", { class: "pfnb-cursor", y1: 2, y2: height - 18, visibility: "hidden" });
  const zero = from < 0 && to > 0 && facts.role === "common"
    ? svg("line", { class: "pfnb-zero", x1: across(0), x2: across(0), y1: 3, y2: height - 26 }) : null;
  picture.append(...[zero, cursor].filter(Boolean));
  const figure = h("figure", { class: "pfnb-density", "data-parameter": facts.name, tabindex: 0 },
    h("figcaption", { title: facts.name }, nameOf(facts.name)), picture, reading);
  readAlong(figure, picture, cursor, { from, to, width, heights, rest, reading, write, start: facts.mean });
  return figure;
}

function readAlong(figure, picture, cursor, { from, to, width, heights, rest, reading, write, start }) {
  const total = heights.reduce((sum, value) => sum + value, 0) || 1;
  const across = scale(from, to, 4, width - 4);
  let at = start;
  const below = (value) => {
    const cell = ((value - from) / (to - from || 1)) * heights.length;
    let sum = 0;
    for (let i = 0; i < heights.length && i < cell; i += 1) sum += heights[i] * Math.min(1, cell - i);
    return Math.min(1, sum / total);
  };
  const read = (value) => {
    at = Math.min(Math.max(value, from), to);
    cursor.setAttribute("x1", across(at));
    cursor.setAttribute("x2", across(at));
    cursor.setAttribute("visibility", "visible");
    const share = Math.round(100 * below(at));
    say(reading, `at ${write(at)}: ${share}% below, ${100 - share}% above`);
  };
  const settle = () => {
    cursor.setAttribute("visibility", "hidden");
    say(reading, rest);
  };
  picture.addEventListener("pointermove", (event) => {
    const box = picture.getBoundingClientRect();
    read(scale(4, width - 4, from, to)((event.clientX - box.left) * (width / box.width)));
  });
  picture.addEventListener("pointerleave", settle);
  figure.addEventListener("blur", () => {
    at = start;
    settle();
  });
  figure.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: -0.02, ArrowRight: 0.02, PageDown: -0.1, PageUp: 0.1 };
    if (!(event.key in moves)) return;
    event.preventDefault();
    read(at + moves[event.key] * (to - from));
  });
  settle();
}

// Joint draws of two scalars as dots.
function jointPicture({ x, y, names, label, width = 420, height = 320 }) {
  const node = frame(label, width, height);
  const [left, right, top, base] = [58, width - 10, 8, height - 36];
  const [xs, ys] = [extent(x), extent(y)].map(([low, high]) => [low - 0.03 * (high - low), high + 0.03 * (high - low)]);
  const [across, up] = [scale(...xs, left, right), scale(...ys, base, top)];
  let d = "";
  for (let i = 0; i < x.length; i += 1) d += `M${across(x[i]).toFixed(1)} ${up(y[i]).toFixed(1)}h0`;
  const cut = (name) => (name.length > 44 ? `${name.slice(0, 43)}…` : name);
  const word = (text, attributes) => svg("text", { class: "pfnb-axis-word", "text-anchor": "middle", ...attributes }, cut(text));
  const [middle, centre] = [(left + right) / 2, (top + base) / 2];
  node.append(...axisBeside(...ys, up, left, right, 5), ...axisBelow(...xs, across, base, width, 6),
    svg("path", { class: "pfnb-dots", d }),
    word(names[0], { x: middle, y: height - 4 }),
    word(names[1], { x: 12, y: centre, transform: `rotate(-90 12 ${centre})` }));
  return node;
}

function jointView(names, ask, memory) {
  const shown = h("div", { class: "pfnb-joint" });
  const words = h("p", { class: "pfnb-words", role: "status" });
  let pair = memory.pair?.every((i) => i < names.length) ? memory.pair : [0, Math.min(1, names.length - 1)];
  const show = async () => {
    memory.pair = pair;
    const asked = pair;
    const found = await ask({ pair });
    if (asked !== pair) return;
    if (found.fault) {
      say(words, found.fault);
      return;
    }
    const [x, y] = found.buffers.map(f32);
    const label = `Joint draws of ${told(found.names[0])} and ${told(found.names[1])}. ${found.words}`;
    shown.replaceChildren(h("figure", {}, jointPicture({ x, y, names: found.names, label, width: roomIn(shown, 520) })));
    say(words, `${found.words} ${count(x.length)} of ${count(found.total)} draws are shown.`);
  };
  const choices = names.map((text, i) => ({ value: String(i), text }));
  const chooser = (text, which) => labelled(text, menu(choices, String(pair[which]), (value) => {
    pair = pair.map((old, i) => (i === which ? Number(value) : old));
    show();
  })).node;
  const node = h("section", { class: "pfnb-part", "aria-label": "joint draws of two parameters" },
    h("h4", {}, "Two together"), h("div", { class: "pfnb-controls" }, chooser("across", 0), chooser("up", 1)), words, shown);
  return { node, show };
}

async function renderPosterior(panel, ask, memory) {
  const found = await ask({});
  if (saidAll(panel, found, "pictures")) return;
  const figures = h("div", { class: "pfnb-densities" });
  const more = h("div", {});
  const add = (page) => {
    figures.append(...page.pictures.map((facts, i) => densityFigure(facts, f32(page.buffers[i]))));
    const next = page.from + page.pictures.length;
    const left = page.total - next;
    more.replaceChildren(left > 0 ? button(`Show ${count(Math.min(left, 24))} more of ${count(left)}`, async () => {
      const further = await ask({ from: next });
      if (!further.fault) add(further);
    }) : "");
  };
  panel.append(figures, more);
  add(found);
  if (found.names.length > 1) {
    const joint = jointView(found.names, ask, memory);
    panel.append(joint.node);
    await joint.show();
  }
}
