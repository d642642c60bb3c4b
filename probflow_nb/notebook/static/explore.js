// Explore: sliders and menus, and the predicted distribution that moves along. One question is under way at a time,
// and of what was asked meanwhile only the latest is sent.

const EXPLORE_PACE = 33; // milliseconds between two questions
const EXPLORE_LOST = 4000; // after which an answer is no longer waited for
const EXPLORE_HIGH = 236; // pixels of a picture
const EXPLORE_CALM = 500; // of rest before a screen reader is told the numbers

// Questions to the kernel: { at(make), find(factor, text), release() }. `make` makes the question when it is sent;
// `take` gets every answer with the question.
function exploreAsker(model, take, waitingFor) {
  const mine = Math.random().toString(36).slice(2);
  const finds = new Map();
  let [asked, under, since, next, timer, question] = [0, null, 0, null, 0, null];
  const send = (make) => {
    asked += 1;
    [under, since, question] = [`${mine}-${asked}`, performance.now(), make()];
    model.send({ ...question, id: under });
  };
  const go = () => {
    timer = 0;
    const now = performance.now();
    if (!next) return;
    const left = under ? EXPLORE_LOST - (now - since) : EXPLORE_PACE - (now - since);
    if (left > 0) {
      timer = setTimeout(go, Math.max(left, 4));
      return;
    }
    const make = next;
    next = null;
    send(make);
  };
  const heard = (message, buffers) => {
    if (message?.kind !== "answer") return;
    if (finds.has(message.id)) {
      finds.get(message.id)(message.content);
      finds.delete(message.id);
    } else if (message.id === under) {
      const of = question;
      under = null;
      take(message.content, buffers ?? [], of);
      clearTimeout(timer);
      go();
    }
  };
  const late = setInterval(() => waitingFor(under !== null && performance.now() - since > 700), 350);
  model.on("msg:custom", heard);
  return {
    at: (make) => {
      next = make;
      if (!timer || !under) {
        clearTimeout(timer);
        go();
      }
    },
    find: (factor, text) => new Promise((resolve) => {
      asked += 1;
      const id = `${mine}-${asked}`;
      finds.set(id, resolve);
      model.send({ kind: "find", id, factor, text });
    }),
    release: () => {
      clearTimeout(timer);
      clearInterval(late);
      model.off("msg:custom", heard);
    },
  };
}

// A slider with its number beside it; both say the same.
function exploreSlider(covariate, value, moved) {
  const { name, low, high, step, digits } = covariate;
  const write = (x) => fixed(x, digits);
  const slider = h("input", { type: "range", min: low, max: high, step, class: "pfnb-slider" });
  const box = h("input", { type: "number", step: "any", class: "pfnb-input pfnb-exact", "aria-label": `exact value of ${name}` });
  slider.value = value;
  box.value = String(Number(value.toFixed(digits + 1)));
  slider.setAttribute("aria-valuetext", write(value));
  slider.addEventListener("input", () => {
    const at = Number(slider.value);
    box.value = String(at);
    slider.setAttribute("aria-valuetext", write(at));
    moved(at);
  });
  box.addEventListener("input", () => {
    const at = box.valueAsNumber;
    if (!Number.isFinite(at)) return;
    slider.value = at;
    slider.setAttribute("aria-valuetext", write(at));
    moved(at);
  });
  slider.setAttribute("aria-label", name);
  const node = h("div", { class: "pfnb-mover" }, h("span", { class: "pfnb-label", title: name }, nameOf(name)), slider, box);
  return { node, set: (x) => {
    slider.value = x;
    box.value = String(Number(x.toFixed(digits + 1)));
    slider.setAttribute("aria-valuetext", write(x));
  } };
}

// A menu of levels; of many, a field in which one is typed and found.
function exploreFactor(factor, which, at, name, asker, moved) {
  if (factor.levels.length) {
    const choices = factor.levels.map((text, i) => ({ value: String(i), text }));
    if (factor.typical) choices.unshift({ value: "-1", text: "a typical one" });
    return labelled(factor.name, menu(choices, String(at), (value) => moved(Number(value), value === "-1" ? "" : factor.levels[value]))).node;
  }
  const finder = levelFinder(factor.name, async (text) => {
    const hits = await asker.find(which, text);
    return (hits.names ?? []).map((level, i) => ({ at: hits.at[i], name: level }));
  }, (level) => moved(level.at, level.name));
  finder.input.setAttribute("placeholder", `${factor.typical ? "a typical one; " : ""}${count(factor.count)} levels`);
  if (at >= 0) finder.set({ at, name });
  if (factor.typical) {
    const typical = button("typical", () => {
      finder.set(null);
      moved(-1, "");
    }, { about: "a level whose effects are 0" });
    typical.classList.add("pfnb-typical");
    typical.setAttribute("aria-label", `a typical ${factor.name}`);
    finder.node.append(typical);
  }
  return finder.node;
}

// The density of a new response, dark inside its interval, with the density of the mean as a line.
function exploreDensity(found, arrays, scene, range, width, into) {
  const [x, fresh, meanX, meanY] = arrays;
  const { response, percent } = scene;
  const height = EXPLORE_HIGH;
  const base = height - 20;
  const label = `predicted ${response}: ${exploreWords(found, scene)}`;
  const node = frame(label, width, height, into);
  const across = scale(...range, 6, width - 6);
  const up = scale(0, Math.max(...fresh, 1e-300) * 1.05, base - 2, 22);
  const own = scale(0, Math.max(...meanY, 1e-300) * 1.05, base - 2, 22);
  const [low, high] = exploreWidest(found);
  const closed = (xs, ys, y) => {
    const d = path(xs, ys, across, y);
    return d ? `${d}L${across(xs[xs.length - 1]).toFixed(1)} ${base - 2}L${across(xs[0]).toFixed(1)} ${base - 2}Z` : "";
  };
  const inside = Array.from(x.keys()).filter((i) => x[i] >= low && x[i] <= high);
  const part = (list) => inside.map((i) => list[i]);
  node.append(
    svg("path", { class: "pfnb-new-band", d: closed(x, fresh, up) }),
    svg("path", { class: "pfnb-new-band", d: closed(part(x), part(fresh), up) }),
    svg("path", { class: "pfnb-curve pfnb-fitted", d: path(x, fresh, across, up) }),
    meanX.length ? svg("path", { class: "pfnb-curve pfnb-own", d: path(meanX, meanY, across, own) }) : "",
    svg("line", { class: "pfnb-cursor", x1: across(found.mean), x2: across(found.mean), y1: 22, y2: base - 2 }),
    svg("text", { class: "pfnb-tick", x: Math.min(Math.max(across(found.mean), 20), width - 20), y: 14, "text-anchor": "middle" },
      exploreWrite(found)(found.mean)),
  );
  if (found.value !== null && found.value !== undefined) {
    node.append(svg("line", { class: "pfnb-even-line", x1: across(found.value), x2: across(found.value), y1: 22, y2: base - 2 }));
  }
  node.append(...axisBelow(...range, across, base, width, 5));
  node.setAttribute("aria-description", `${percent}% of ${scene.events ? "the probability" : "a new response"} is dark`);
  return node;
}

// The curve along one covariate with a dot where the slider stands.
function exploreCurve(curve, found, at, scene, covariate, yRange, width, into) {
  const [height, left] = [EXPLORE_HIGH, 44];
  const base = height - 20;
  const xRange = extent(curve.x);
  const label = `${scene.response} along ${covariate.name}: ${[0, curve.x.length - 1]
    .map((i) => curveWords({ ...curve, name: "" }, curve.x, i, { covariate: covariate.name, response: scene.response, percent: scene.percent })).join("; ")}.`;
  const node = frame(label, width, height, into);
  const across = scale(...xRange, left + 4, width - 8);
  const up = scale(...yRange, base - 2, 6);
  node.append(...axisBeside(...yRange, up, left, width - 4, 5), ...curveMarks(curve, curve.x, across, up).filter(Boolean),
    ...axisBelow(...xRange, across, base, width, 5));
  const x = across(Math.min(Math.max(at, xRange[0]), xRange[1]));
  node.append(svg("line", { class: "pfnb-cursor", x1: x, x2: x, y1: 6, y2: base - 2 }),
    svg("line", { class: "pfnb-reach", x1: x, x2: x, y1: up(exploreWidest(found)[0]), y2: up(exploreWidest(found)[1]) }),
    svg("circle", { class: "pfnb-cursor-dot", cx: x, cy: up(found.mean), r: 4.2 }));
  return node;
}

// The interval of a new response; of events that of their probability, which a point fit knows as one number.
function exploreWidest(found) {
  return found.newInterval ?? found.meanInterval ?? [found.mean, found.mean];
}

// A number of a prediction, with the digits that its interval deserves.
function exploreWrite(found) {
  const [low, high] = exploreWidest(found);
  return (value) => number(value, (high - low) / 4 || Math.abs(found.mean) / 10);
}

function exploreWords(found, scene) {
  const write = exploreWrite(found);
  const own = found.meanInterval ? `, ${scene.percent}% from ${write(found.meanInterval[0])} to ${write(found.meanInterval[1])}` : "";
  if (scene.events) return `probability ${write(found.mean)}${own}`;
  return `mean ${write(found.mean)}${own}; ${scene.percent}% of a new response from ${write(found.newInterval[0])} to ${write(found.newInterval[1])}`;
}

// The numbers as a small table.
function exploreNumbers(found, scene) {
  const write = exploreWrite(found);
  const whole = (found.newInterval ?? [0.5]).every(Number.isInteger); // ends of an interval of counts are counts
  const pair = ([low, high]) => `${write(low)} to ${write(high)}`;
  const rows = [[scene.events ? "probability" : "mean", write(found.mean)],
    [`${scene.percent}% of the ${scene.events ? "probability" : "mean"}`, found.meanInterval ? pair(found.meanInterval) : "not known from a point fit"]];
  if (found.newInterval) rows.push([`${scene.percent}% of a new response`, whole ? found.newInterval.map(count).join(" to ") : pair(found.newInterval)]);
  return rows.map(([term, value]) => h("div", {}, h("dt", {}, term), h("dd", {}, value)));
}

// What a curve depends on: everything but the slider that it runs along.
function curveKey({ along, numbers, levels }) {
  return JSON.stringify([along, numbers.map((x, i) => (i === along ? 0 : x)), levels]);
}

// Axes that only grow, so that the picture stands still while the slider moves.
function exploreAxes(scene) {
  let [low, high] = scene.reach;
  let [bottom, top] = [Infinity, -Infinity];
  const air = 0.04 * (high - low || 1);
  return {
    density: (x) => {
      low = Math.min(low, x[0] ?? low);
      high = Math.max(high, x[x.length - 1] ?? high);
      return [low, high];
    },
    curve: (curve) => {
      const [least, most] = extent(curve.mean, curve.newLow, curve.newHigh, curve.dataY);
      bottom = Math.min(bottom, least - air);
      top = Math.max(top, most + air);
      return [bottom, top];
    },
    turn: () => { [bottom, top] = [Infinity, -Infinity]; },
  };
}

function render({ model, el }) {
  const scene = model.get("scene");
  const now = structuredClone(model.get("point"));
  const axes = exploreAxes(scene);
  let [curve, curved, answer, calm] = [null, "", null, 0];
  const density = frame("", 330, EXPLORE_HIGH);
  const picture = frame("", 370, EXPLORE_HIGH);
  const along = h("bdi", {});
  // A picture is drawn as wide as it stands, so that its words keep their size.
  const room = (node) => Math.max(200, Math.floor(node.parentElement?.clientWidth || node.viewBox.baseVal.width));
  const numbers = h("dl", { class: "pfnb-explore-numbers" });
  const heard = h("p", { class: "pfnb-heard", role: "status" });
  const fault = h("p", { class: "pfnb-fault", role: "alert" });
  const wait = h("p", { class: "pfnb-explore-wait pfnb-muted" });
  const above = h("output", { class: "pfnb-above-share" });

  const draw = () => {
    const { found, arrays } = answer;
    exploreDensity(found, arrays, scene, axes.density(arrays[0]), room(density), density);
    if (curve) {
      const covariate = scene.covariates[now.along];
      exploreCurve(curve, found, now.numbers[now.along], scene, covariate, axes.curve(curve), room(picture), picture);
      say(along, covariate.name);
    }
    numbers.replaceChildren(...exploreNumbers(found, scene));
    say(above, found.above === null || found.above === undefined ? "" : exploreShare(found.above));
    clearTimeout(calm);
    calm = setTimeout(() => say(heard, `${scene.response}: ${exploreWords(found, scene)}.`), EXPLORE_CALM);
  };
  const later = paced(() => answer && draw());
  const resized = new ResizeObserver(later);
  const take = (content, buffers, question) => {
    say(fault, content.fault ?? "");
    if (content.fault) return;
    const arrays = buffers.map(f64);
    if (content.curve) {
      const [x, mean, meanLow, meanHigh, newLow, newHigh, dataX, dataY] = arrays.slice(4);
      curve = { x, mean, meanLow, meanHigh, newLow, newHigh, dataX, dataY };
      curved = curveKey(question);
    }
    answer = { found: content, arrays };
    later();
  };
  const asker = exploreAsker(model, take, (late) => say(wait, late ? "Waiting for the kernel…" : ""));
  const ask = () => asker.at(() => {
    const { along, value } = now;
    const question = { kind: "at", numbers: [...now.numbers], levels: [...now.levels], along, value };
    return { ...question, curve: curveKey(question) !== curved };
  });

  const sliders = scene.covariates.map((covariate, i) => exploreSlider(covariate, now.numbers[i], (value) => {
    now.numbers[i] = value;
    ask();
  }));
  const factors = scene.factors.map((factor, i) => exploreFactor(factor, i, now.levels[i], now.names[i], asker, (at) => {
    now.levels[i] = at;
    ask();
  }));
  const runs = scene.covariates.length > 1 ? labelled("curve along", menu(scene.covariates.map(({ name }, i) => ({ value: String(i), text: name })),
    String(now.along), (value) => {
      now.along = Number(value);
      axes.turn();
      ask();
    })).node : null;
  const value = h("input", { type: "number", step: "any", class: "pfnb-input pfnb-exact", "aria-label": "value", value: now.value ?? null });
  value.addEventListener("input", () => {
    now.value = Number.isFinite(value.valueAsNumber) ? value.valueAsNumber : null;
    ask();
  });

  const figures = h("div", { class: scene.covariates.length ? "pfnb-explore-pictures" : "pfnb-explore-pictures pfnb-alone" },
    h("figure", { class: "pfnb-explore-density" }, h("figcaption", {}, "predicted ", nameOf(scene.response)), density),
    scene.covariates.length ? h("figure", { class: "pfnb-explore-curve" }, h("figcaption", {}, nameOf(scene.response), " along ", along), picture) : null);
  const note = scene.events ? (scene.exact ? "A point fit knows one probability and no interval of it." : "Area: what is known of the probability, dark inside its interval.")
    : scene.exact ? "Area: a new response, dark inside its interval." : "Area: a new response, dark inside its interval; thin line: the mean, on a scale of its own.";
  const root = h("div", { class: "pfnb-explore", role: "group", "aria-label": `explore ${scene.title || scene.response}` },
    h("div", { class: "pfnb-movers" }, sliders.map((slider) => slider.node)),
    h("div", { class: "pfnb-controls" }, factors, runs),
    fault, figures, numbers,
    h("p", { class: "pfnb-above-line" }, "P(", scene.events ? "probability" : nameOf(scene.response), " > ", value, ") ", above),
    h("p", { class: "pfnb-explore-note pfnb-muted" }, note), wait, heard);
  widget(root);
  el.append(root);
  resized.observe(figures);
  ask();
  return () => {
    clearTimeout(calm);
    later.cancel();
    resized.disconnect();
    asker.release();
    root.remove();
  };
}

function exploreShare(share) {
  if (share > 0.999) return "> 0.999";
  return share < 0.001 ? "< 0.001" : `= ${share.toFixed(3)}`;
}

export default { render };
