// Levels of a factor: finding one by its name, and a caterpillar that stays fluid however many there are.

const LEVEL_ROW = 20; // pixels
const LEVEL_ROWS = 18; // that are seen at once
const LEVEL_MATCHES = 8;

// The positions whose names hold a text, those that begin with it first.
function matching(names, text) {
  const wanted = text.toLocaleLowerCase();
  const [starts, holds] = [[], []];
  for (let i = 0; i < names.length; i += 1) {
    const where = names[i].toLocaleLowerCase().indexOf(wanted);
    if (where === 0) starts.push(i);
    else if (where > 0) holds.push(i);
  }
  return [...starts, ...holds];
}

// A text field with a list of levels below it. find(text) -> [{ at, name }]; chosen({ at, name }) is called on a choice.
function levelFinder(label, find, chosen) {
  const input = h("input", { class: "pfnb-input", type: "text", role: "combobox", "aria-expanded": "false", "aria-autocomplete": "list",
    autocomplete: "off", spellcheck: "false", placeholder: "type a level" });
  const list = h("div", { class: "pfnb-matches", role: "listbox", "aria-label": `levels for ${label}`, hidden: true });
  const field = labelled(label, input);
  field.node.append(list);
  field.node.classList.add("pfnb-finder");
  let [found, current, asked] = [[], -1, 0];
  const mark = (i) => {
    current = i;
    [...list.children].forEach((node, k) => node.setAttribute("aria-selected", String(k === i)));
    if ("ariaActiveDescendantElement" in input) input.ariaActiveDescendantElement = list.children[i] ?? null;
    list.children[i]?.scrollIntoView?.({ block: "nearest" });
  };
  const close = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    mark(-1);
  };
  const take = (level) => {
    asked += 1;
    input.value = level.name;
    field.tell("");
    close();
    chosen(level);
  };
  const look = async () => {
    asked += 1;
    const mine = asked;
    const levels = await find(input.value.trim());
    if (mine !== asked) return null;
    found = levels.slice(0, LEVEL_MATCHES);
    list.replaceChildren(...found.map((level) => h("div", { class: "pfnb-match", role: "option", "aria-selected": "false",
      onpointerdown: (event) => {
        event.preventDefault();
        take(level);
      } }, nameOf(level.name))));
    field.tell(found.length ? "" : "no such level");
    list.hidden = !found.length;
    input.setAttribute("aria-expanded", String(found.length > 0));
    mark(found.length ? 0 : -1);
    return found;
  };
  // Enter may come before an answer: then it is the answer's first level.
  const enter = async () => {
    if (!list.hidden && found[current]) take(found[current]);
    else if (input.value.trim()) {
      const levels = await look();
      if (levels?.length) take(levels[0]);
    }
  };
  input.addEventListener("input", look);
  input.addEventListener("focus", () => input.select());
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    const count_ = list.children.length;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) look();
      else mark((current + (event.key === "ArrowDown" ? 1 : count_ - 1)) % count_);
    } else if (event.key === "Enter") {
      event.preventDefault();
      enter();
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    }
  });
  return { node: field.node, input, set: (level) => {
    asked += 1;
    input.value = level?.name ?? "";
    field.tell("");
  } };
}

// All levels at once, in the order of the list: where a person stands in it, and what it looks like as a whole.
function levelOverview({ mean, low, high, order, range, label, go, width = 718, height = 96 }) {
  const node = frame(label, width, height);
  node.classList.add("pfnb-overview");
  const across = scale(-0.5, order.length - 0.5, 1, width - 1);
  const up = scale(range[0], range[1], height - 3, 3);
  let [bars, dots] = ["", ""];
  order.forEach((i, rank) => {
    const x = across(rank).toFixed(1);
    bars += `M${x} ${up(low[i]).toFixed(1)}V${up(high[i]).toFixed(1)}`;
    dots += `M${x} ${up(mean[i]).toFixed(1)}h0`;
  });
  const wide = Math.max(0.4, Math.min(3, (0.7 * width) / order.length));
  const here = svg("rect", { class: "pfnb-here", y: 0.5, height: height - 1 });
  node.append(svg("path", { class: "pfnb-spread", d: bars, "stroke-width": wide }),
    svg("path", { class: "pfnb-middle", d: dots }),
    svg("line", { class: "pfnb-zero", x1: 0, x2: width, y1: up(0), y2: up(0) }), here);
  const jump = (event) => {
    const box = node.getBoundingClientRect();
    go(Math.round(scale(1, width - 1, -0.5, order.length - 0.5)((event.clientX - box.left) * (width / box.width))));
  };
  node.addEventListener("pointerdown", (event) => {
    node.setPointerCapture(event.pointerId);
    jump(event);
  });
  node.addEventListener("pointermove", (event) => {
    if (event.buttons & 1) jump(event);
  });
  const stand = (first, rows) => {
    here.setAttribute("x", across(first - 0.5));
    here.setAttribute("width", Math.max(4, across(first + rows - 0.5) - across(first - 0.5)));
  };
  return { node, stand };
}

// One line of the list: name, interval, numbers.
function levelRow(level, { across, width, write, current }) {
  const { name, mean, low, high } = level;
  const clear = low > 0 || high < 0;
  const middle = LEVEL_ROW / 2;
  return h("div", { class: "pfnb-level", role: "option", "aria-selected": String(current), "data-rank": level.rank,
    "aria-label": level.words, style: `top:${level.rank * LEVEL_ROW}px` },
  h("span", { class: "pfnb-level-name", title: name }, nameOf(name)),
  svg("svg", { class: "pfnb-level-line", viewBox: `0 0 ${width} ${LEVEL_ROW}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("line", { class: "pfnb-zero", x1: across(0), x2: across(0), y1: 0, y2: LEVEL_ROW }),
    svg("line", { class: clear ? "pfnb-bar" : "pfnb-bar pfnb-holds", x1: across(low), x2: across(high), y1: middle, y2: middle }),
    svg("path", { class: "pfnb-dot", d: `M${across(mean).toFixed(1)} ${middle}h0` }),
    clear ? null : svg("path", { class: "pfnb-hole", d: `M${across(mean).toFixed(1)} ${middle}h0` })),
  h("span", { class: "pfnb-level-mean" }, write(mean)), h("span", { class: "pfnb-level-ends" }, `${write(low)} to ${write(high)}`));
}

// Round numbers below the list, at their places along its lines.
function levelAxis(span, across, width) {
  const marks = ticks(...span, 6);
  const words = tickWords(marks);
  return h("div", { class: "pfnb-level-axis", "aria-hidden": "true" }, h("span", {}),
    h("div", { class: "pfnb-level-ticks" }, marks.map((mark, i) => h("span", { style: `left:${(100 * across(mark)) / width}%` }, words[i]))));
}

// Room for the numbers: as much as the longest needs, alike in all rows.
function levelColumns(node, { order, names, mean, low, high, write }) {
  const longest = (texts) => texts.reduce((most, text) => Math.max(most, text.length), 4);
  const some = order.length > 400 ? order.filter((_, rank) => rank % Math.ceil(order.length / 400) === 0 || rank === order.length - 1) : order;
  node.style.setProperty("--pf-name-room", `${1.1 * longest(some.map((i) => names[i]))}ch`);
  node.style.setProperty("--pf-mean-room", `${longest(some.map((i) => write(mean[i])))}ch`);
  node.style.setProperty("--pf-ends-room", `${longest(some.map((i) => `${write(low[i])} to ${write(high[i])}`)) + 1}ch`);
}

// The whole caterpillar: overview, list of which only the seen rows exist, axis, and the reading in words.
// data: { names, mean, low, high, places, percent }. order: positions to show. label: what it is. pick: of a level.
function caterpillar({ data, order, label, pick, start = 0, moved }) {
  const { names, mean, low, high } = data;
  const write = (value) => fixed(value, data.places);
  const range = extent(order.map((i) => low[i]), order.map((i) => high[i]), [0]);
  const air = 0.03 * (range[1] - range[0]);
  const span = [range[0] - air, range[1] + air];
  const width = 380;
  const across = scale(...span, 4, width - 4);
  const words = (i) => `${told(names[i])}: ${write(mean[i])}, ${data.percent}% interval ${write(low[i])} to ${write(high[i])}`;
  const seen = Math.min(order.length, LEVEL_ROWS);
  const list = h("div", { class: "pfnb-levels", role: "listbox", "aria-label": label, tabindex: 0, style: `height:${seen * LEVEL_ROW + 2}px` });
  const rows = h("div", { class: "pfnb-level-rows", style: `height:${order.length * LEVEL_ROW}px` });
  const reading = h("p", { class: "pfnb-words pfnb-level-reading", role: "status" });
  let current = Math.min(start, order.length - 1);
  const draw = () => {
    const first = Math.max(0, Math.floor(list.scrollTop / LEVEL_ROW) - 2);
    const last = Math.min(order.length, first + seen + 5);
    const nodes = [];
    for (let rank = first; rank < last; rank += 1) {
      const i = order[rank];
      const level = { name: names[i], mean: mean[i], low: low[i], high: high[i], rank, words: words(i) };
      nodes.push(levelRow(level, { across, width, write, current: rank === current }));
    }
    rows.replaceChildren(...nodes);
    if ("ariaActiveDescendantElement" in list) list.ariaActiveDescendantElement = nodes[current - first] ?? null;
    overview?.stand(list.scrollTop / LEVEL_ROW, seen);
  };
  const later = paced(draw);
  const go = (rank) => {
    current = Math.min(Math.max(rank, 0), order.length - 1);
    const top = current * LEVEL_ROW;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + LEVEL_ROW > list.scrollTop + seen * LEVEL_ROW) list.scrollTop = top - (seen - 1) * LEVEL_ROW;
    say(reading, words(order[current]));
    moved?.(current);
    later();
  };
  const jump = (rank) => {
    list.scrollTop = (rank - seen / 2) * LEVEL_ROW;
    go(rank);
  };
  const overview = order.length > seen
    ? levelOverview({ mean, low, high, order, range: span, label: overviewLabel(label, order, words), go: jump }) : null;
  list.append(rows);
  listenToLevels({ list, order, later, go, seen, pick, current: () => current, read: (rank) => say(reading, words(order[rank])) });
  const node = h("div", { class: "pfnb-caterpillar" }, overview?.node ?? "", list, levelAxis(span, across, width), reading);
  levelColumns(node, { order, names, mean, low, high, write });
  return { node, draw, settle: () => jump(current), cancel: later.cancel };
}

function overviewLabel(label, order, words) {
  return `All ${count(order.length)} ${label}. First ${words(order[0])}; last ${words(order[order.length - 1])}.`;
}

function listenToLevels({ list, order, later, go, seen, pick, current, read }) {
  const rankOf = (event) => {
    const row = event.target.closest?.(".pfnb-level");
    return row ? Number(row.dataset.rank) : -1;
  };
  list.addEventListener("scroll", later);
  list.addEventListener("pointermove", (event) => {
    const rank = rankOf(event);
    if (rank >= 0) read(rank);
  });
  list.addEventListener("pointerleave", () => read(current()));
  list.addEventListener("click", (event) => {
    const rank = rankOf(event);
    if (rank < 0) return;
    go(rank);
    pick(order[rank]);
  });
  list.addEventListener("keydown", (event) => {
    const to = {
      ArrowDown: current() + 1, ArrowUp: current() - 1, PageDown: current() + seen, PageUp: current() - seen,
      Home: 0, End: order.length - 1,
    }[event.key];
    if (to !== undefined) go(to);
    else if (event.key === "Enter" || event.key === " ") pick(order[current()]);
    else return;
    event.preventDefault();
  });
}
