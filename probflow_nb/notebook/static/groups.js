// Groups: every level of a factor with its interval, searched and sorted, and the difference of two levels.

function naturalOrder(names) {
  const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
  return names.map((_, i) => i).sort((a, b) => collator.compare(names[a], names[b]));
}

// One message as numbers: positions in the factor beside names and intervals.
function levelData(found) {
  const [mean, low, high] = found.buffers.map(f32);
  return { ...found, mean: mean ?? [], low: low ?? [], high: high ?? [], at: found.at ?? null };
}

async function renderGroups(panel, ask, memory) {
  const state = { factor: 0, term: 0, sort: "estimate", text: "", pair: [null, null], ...memory };
  Object.assign(memory, state);
  const found = await ask({ factor: memory.factor, term: memory.term });
  const first = found.fault && memory.factor + memory.term > 0 ? await ask({}) : found;
  if (saidAll(panel, first, "names")) return undefined;
  if (first !== found) Object.assign(memory, { factor: 0, term: 0, text: "", pair: [null, null] });
  const view = groupView(panel, ask, memory);
  view.take(levelData(first));
  return view.release;
}

function groupView(panel, ask, memory) {
  const controls = h("div", { class: "pfnb-controls" });
  const picture = h("div", {});
  const words = h("p", { class: "pfnb-words" });
  const compared = h("div", {});
  let data = null;
  let list = null;
  let asked = 0;
  const question = (more) => ({ factor: memory.factor, term: memory.term, ...more });

  const draw = (shown, order, note) => {
    list?.cancel();
    list = null;
    say(words, [note, data.words].filter(Boolean).join(" "));
    if (!order.length) {
      picture.replaceChildren(sentence("No level has this in its name.", { role: "status" }));
      return;
    }
    const place = (i) => (shown.at ? shown.at[i] : i);
    list = caterpillar({ data: { ...shown, places: data.places, percent: data.percent }, order, label: groupLabel(data),
      start: memory.rank ?? 0, moved: (rank) => { memory.rank = rank; },
      pick: (i) => compare.pick({ at: place(i), name: shown.names[i] }) });
    picture.replaceChildren(list.node);
    list.draw();
    list.settle();
  };

  const show = async () => {
    asked += 1;
    const mine = asked;
    const text = memory.text.trim();
    if (text && !data.whole) {
      const found = await ask(question({ search: text }));
      if (mine !== asked || found.fault) return;
      const shown = levelData(found);
      draw(shown, sorted(shown, shown.names.map((_, i) => i), memory.sort), foundWords(found.count, shown.names.length, data.total));
      return;
    }
    const chosen = text ? matching(data.names, text) : data.names.map((_, i) => i);
    draw(data, sorted(data, chosen, memory.sort), text ? foundWords(chosen.length, chosen.length, data.total) : "");
  };

  const reload = async () => {
    asked += 1;
    const mine = asked;
    const found = await ask(question({}));
    if (mine !== asked) return;
    if (!saidAll(picture, found, "names")) take(levelData(found));
  };

  const find = async (text) => {
    if (data.whole) return matching(data.names, text).slice(0, LEVEL_MATCHES).map((i) => ({ at: i, name: data.names[i] }));
    const found = await ask(question({ search: text }));
    return (found.names ?? []).map((name, i) => ({ at: found.at[i], name }));
  };
  const compare = comparison(find, (pair) => ask(question({ compare: pair })), memory);

  const take = (fresh) => {
    data = fresh;
    controls.replaceChildren(...groupControls(data, memory, show, () => {
      compare.clear();
      reload();
    }));
    show();
    compare.show();
  };
  compared.append(compare.node);
  panel.append(controls, picture, words, compared);
  return { take, release: () => list?.cancel() };
}

function groupLabel({ factors, factor, term, own }) {
  const { name, terms } = factors[factor];
  return own ? `elements of ${name}` : `levels of ${name}, ${terms[term]}`;
}

function foundWords(found, shown, total) {
  const some = found > shown ? `, the first ${count(shown)} are shown` : "";
  return `${count(found)} of ${count(total)} levels found${some}.`;
}

function sorted(data, chosen, by) {
  if (by === "name") {
    const rank = new Map(naturalOrder(data.names).map((i, k) => [i, k]));
    return chosen.sort((a, b) => rank.get(a) - rank.get(b));
  }
  return chosen.sort((a, b) => data.mean[b] - data.mean[a]);
}

function groupControls(data, memory, show, reload) {
  const numbered = (texts) => texts.map((text, i) => ({ value: String(i), text }));
  const factor = menu(data.factors.map((f, i) => ({ value: String(i), text: `${f.name} (${count(f.levels)})` })), String(data.factor), (value) => {
    Object.assign(memory, { factor: Number(value), term: 0, text: "", rank: 0 });
    reload();
  });
  const term = menu(numbered(data.factors[data.factor].terms), String(data.term), (value) => {
    Object.assign(memory, { term: Number(value), rank: 0 });
    reload();
  });
  const sort = menu(["estimate", "name"], memory.sort, (value) => {
    Object.assign(memory, { sort: value, rank: 0 });
    show();
  });
  const search = h("input", { class: "pfnb-input", type: "search", autocomplete: "off", spellcheck: "false", placeholder: "part of a name" });
  search.value = memory.text;
  search.addEventListener("input", () => {
    Object.assign(memory, { text: search.value, rank: 0 });
    show();
  });
  return [labelled("factor", factor).node, labelled("term", term).node, labelled("sort by", sort).node, labelled("search a level", search).node];
}

// Two levels and their difference; a level picked from the list goes where there is room.
function comparison(find, ask, memory) {
  const words = h("p", { class: "pfnb-words pfnb-difference", role: "status" });
  const picture = h("div", {});
  const finders = ["compare", "with"].map((label, which) => levelFinder(label, find, (level) => set(which, level)));
  const node = h("section", { class: "pfnb-part", "aria-label": "difference of two levels" }, h("h4", {}, "Two levels"),
    h("div", { class: "pfnb-controls" }, finders.map((finder) => finder.node)), words, picture);
  let asked = 0;
  const set = (which, level) => {
    memory.pair = memory.pair.map((old, i) => (i === which ? level : old));
    show();
  };
  const show = async () => {
    memory.pair.forEach((level, i) => {
      if (document.activeElement !== finders[i].input || level) finders[i].set(level);
    });
    asked += 1;
    const mine = asked;
    if (memory.pair.some((level) => level === null)) {
      const one = memory.pair.find((level) => level !== null);
      say(words, one ? "Type a second level, or click it in the list." : "Type two levels, or click them in the list, to see their difference.");
      picture.replaceChildren();
      return;
    }
    const found = await ask(memory.pair.map((level) => level.at));
    if (mine !== asked) return;
    say(words, found.fault ?? found.words);
    picture.replaceChildren(found.curve ? differencePicture(found) : "");
  };
  const pick = (level) => {
    const [first, second] = memory.pair;
    if (first === null || second !== null) memory.pair = [level, null];
    else memory.pair = [first, level];
    show();
  };
  const clear = () => { memory.pair = [null, null]; };
  return { node, show, pick, clear };
}

function differencePicture(found) {
  const facts = { ...found.curve, name: `${told(found.names[0])} minus ${told(found.names[1])}` };
  return densityFigure(facts, f32(found.buffers[0]), { width: 420, height: 100 });
}
