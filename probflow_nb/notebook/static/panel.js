// The panel of a training. The kernel's traits say what is shown; what a person does is sent as a message.

const CHAINS = ["common", "variance", "correlation", "muted"];
const ACTIVE = ["running", "pausing", "paused", "stopping"];
const COMPILING = "TensorFlow compiles this model once; the next fit of the same shape starts at once.";
const [WIDE, CELL, GAP] = [726, 172, 14]; // pixels: of all pictures, of a density at least, between two
const CALM = 400; // milliseconds between two changes of what a screen reader is told
const HELD = 1500; // milliseconds in which a control keeps what a person has just set

function percent(fraction) {
  return Math.floor(100 * Math.min(Math.max(fraction, 0), 1) + 1e-9);
}

// What is guessed deserves no seconds beside its minutes.
function roughly(seconds) {
  if (seconds < 99.5) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : duration(60 * minutes);
}

// Progress: a bar, percent, time that goes on while nothing is reported.
function progressPart() {
  const done = h("div", { class: "pfnb-done" });
  const bar = h("div", { class: "pfnb-bar", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100 }, done);
  const share = h("span", { class: "pfnb-share" });
  const times = h("span", { class: "pfnb-times pfnb-muted" });
  let state = {};
  let since = 0;

  function clock() {
    const moving = state.status === "running" || state.status === "pausing" || state.status === "stopping";
    const passed = moving ? (performance.now() - since) / 1000 : 0;
    const left = state.remaining === null || state.remaining === undefined ? null : Math.max(state.remaining - passed, 0);
    const words = left !== null && left >= 0.5 && moving ? `, ~${roughly(left)} left` : "";
    say(times, duration((state.elapsed ?? 0) + passed) + words);
  }

  function show(found) {
    if (found.elapsed !== state.elapsed || found.status !== state.status) since = performance.now();
    state = found;
    const known = found.fraction !== null && found.fraction !== undefined;
    bar.classList.toggle("pfnb-unknown", !known);
    bar.setAttribute("aria-label", found.phase || "progress");
    if (known) bar.setAttribute("aria-valuenow", percent(found.fraction));
    else bar.removeAttribute("aria-valuenow");
    done.style.width = known ? `${100 * Math.min(Math.max(found.fraction, 0), 1)}%` : "100%";
    say(share, known ? `${percent(found.fraction)}%` : "");
    clock();
  }

  return { nodes: [bar, share, times], show, clock };
}

// A number that is steered on a log scale, by a slider and a field; it follows the engine unless a person holds it.
function steerPart(name, label, send) {
  const [low, high] = name === "learning_rate" ? [-4, 0] : [-2, 1];
  const field = h("input", { class: "pfnb-input pfnb-number", type: "text", inputmode: "decimal", autocomplete: "off" });
  const slider = h("input", { type: "range", min: low, max: high, step: 0.01, "aria-label": `${label} slider` });
  const part = labelled(label, field);
  part.node.classList.add("pfnb-steer");
  part.node.querySelector("label").insertBefore(slider, field);
  let held = 0;
  const words = (value) => String(Number(value.toPrecision(3)));
  const ask = (value) => {
    held = performance.now() + HELD;
    send({ kind: "steer", name, value });
  };
  slider.addEventListener("input", () => {
    held = Infinity;
    field.value = words(10 ** slider.value);
    slider.setAttribute("aria-valuetext", field.value);
  });
  slider.addEventListener("change", () => ask(Number(field.value)));
  // Leaving the field after Enter asks for nothing new.
  let told = null;
  field.addEventListener("input", () => {
    held = Infinity;
    told = null;
  });
  field.addEventListener("change", () => {
    if (field.value === told) return;
    told = field.value;
    const value = Number(field.value);
    if (value > 0) slider.value = Math.log10(value);
    ask(field.value);
  });
  // A field that is left as it was follows again.
  field.addEventListener("blur", () => { if (held === Infinity) held = 0; });

  function show(value) {
    if (performance.now() < held) return;
    if (document.activeElement !== field || !held) field.value = words(value);
    slider.value = Math.log10(value);
    slider.setAttribute("aria-valuetext", words(value));
  }
  return { ...part, show };
}

// The live pictures: one line, and a density for every scalar.
function picturesPart(send) {
  const words = h("p", { class: "pfnb-figures" });
  const lineHead = h("figcaption", { class: "pfnb-row" });
  const lineFigure = h("figure", { class: "pfnb-line", hidden: true }, lineHead);
  const cells = h("div", { class: "pfnb-densities" });
  const rest = h("p", { class: "pfnb-muted", hidden: true });
  const node = h("div", { class: "pfnb-pictures" }, words, lineFigure, cells, rest);
  const figures = new Map();
  let lineSvg = null;
  const tracedName = h("span", {});
  let traced = null;

  function width() {
    return Math.max(320, Math.min(node.clientWidth || WIDE, WIDE));
  }

  function density(one, heights, cell) {
    let figure = figures.get(one.name);
    if (!figure) {
      figure = h("figure", { "data-parameter": one.name }, h("figcaption", { title: one.name }, one.name));
      figures.set(one.name, figure);
      cells.append(figure);
    }
    const [low, high] = one.interval;
    const label = densityLabel(one.name, { mean: one.mean, low, high });
    const into = figure.querySelector("svg");
    const picture = densityPicture({ x: one.span, y: heights, mean: one.mean, low, high, hue: one.role, label, range: one.axis, width: cell, into });
    if (!into) figure.append(picture);
  }

  function densities(pictures, heights) {
    const scalars = pictures.scalars ?? [];
    const names = new Set(scalars.map((one) => one.name));
    for (const [name, figure] of figures) {
      if (names.has(name)) continue;
      figure.remove();
      figures.delete(name);
    }
    const size = pictures.cells ?? 0;
    const columns = Math.floor((width() + GAP) / (CELL + GAP));
    const cell = Math.floor((width() - GAP * (columns - 1)) / columns);
    scalars.forEach((one, i) => density(one, heights.subarray(i * size, (i + 1) * size), cell));
    rest.hidden = !pictures.hidden;
    say(rest, pictures.hidden ? `${count(pictures.hidden)} more in the result` : "");
  }

  // The menu of scalars is made anew only where it differs, so that it can be open while pictures come.
  function head(line, pictures, engine) {
    if (line.kind !== "trace") {
      traced = null;
      lineHead.replaceChildren(engine === "VI" ? "objective (ELBO)" : "objective");
      return;
    }
    say(tracedName, pictures.chosen ? "" : line.name);
    const key = JSON.stringify([pictures.traceable, pictures.chosen]);
    if (key === traced) return;
    traced = key;
    const choices = [{ value: "", text: "the one that mixes worst" }, ...pictures.traceable];
    lineHead.replaceChildren(h("label", { class: "pfnb-row" }, "trace of ",
      menu(choices, pictures.chosen, (name) => send({ kind: "trace", name }))), tracedName);
  }

  function lines(line, numbers) {
    const size = numbers.length / (line.lines + 1);
    const x = numbers.subarray(0, size);
    return Array.from({ length: line.lines }, (_, i) => ({
      x,
      y: Float64Array.from(numbers.subarray((i + 1) * size, (i + 2) * size), (value) => value + line.centre),
      hue: line.kind === "trace" ? CHAINS[i % CHAINS.length] : "common",
      opacity: line.kind === "trace" ? 0.75 : 1,
    }));
  }

  function drawLine(pictures, numbers, state) {
    const line = pictures.line ?? {};
    lineFigure.hidden = !line.kind || !numbers.length;
    if (lineFigure.hidden) return;
    head(line, pictures, state.engine);
    const [low, high] = line.axis;
    const decimals = places((high - low) / 4);
    const label = line.kind === "trace"
      ? `trace of ${line.name}: ${line.lines} chains, from ${fixed(low, decimals)} to ${fixed(high, decimals)}`
      : `objective: now ${fixed(state.objective, decimals)}`;
    const axes = { x: line.kind === "trace" ? "draws of each chain, thinned" : "step", y: line.kind !== "trace" && state.engine === "VI" ? "ELBO" : "" };
    const wide = width();
    const into = lineSvg;
    lineSvg = linePicture({ lines: lines(line, numbers), label, words: axes, range: { y: line.axis }, width: wide, height: 140, into });
    if (!into) lineFigure.append(lineSvg);
  }

  function show(pictures, heights, numbers, state) {
    words.replaceChildren(...(state.figures ?? []).flatMap(([name, value]) => [
      h("span", {}, h("span", { class: "pfnb-muted" }, `${name} `), value)]));
    words.hidden = !(state.figures ?? []).length;
    densities(pictures, heights);
    drawLine(pictures, numbers, state);
  }

  // What has been drawn of a run keeps its room until the run is over, so that nothing below jumps.
  let [room, across] = [0, 0];
  function reserve(active) {
    if (!active || node.hidden || node.clientWidth !== across) [room, across] = [0, node.clientWidth];
    node.style.minHeight = "";
    if (!active || node.hidden) return;
    room = Math.max(room, node.offsetHeight);
    node.style.minHeight = `${room}px`;
  }

  return { node, show, reserve, some: () => figures.size > 0 || !lineFigure.hidden };
}

// What a run has come to, in one line, with what can be asked next.
function overPart(send, again, disclose) {
  const verdict = h("span", { class: "pfnb-verdict" });
  const made = h("span", { class: "pfnb-made" });
  const amount = h("input", { class: "pfnb-input pfnb-number", type: "text", inputmode: "numeric", autocomplete: "off" });
  const field = labelled("how many more", amount);
  const unit = h("select", { class: "pfnb-input", "aria-label": "counted in" });
  const only = h("span", { class: "pfnb-muted" });
  const more = button("More", () => send({ kind: "more", amount: amount.value, unit: unit.value }));
  const form = h("span", { class: "pfnb-more" }, more, field.node, unit, only);
  const final = h("span", { class: "pfnb-muted" });
  const rerun = button("Run again", again);
  const open = h("button", { type: "button", class: "pfnb-button pfnb-quiet", "aria-expanded": "false", onclick: disclose }, "Pictures");
  const fault = h("p", { class: "pfnb-failure" });
  const node = h("div", { class: "pfnb-over" }, verdict, made, h("span", { class: "pfnb-asked pfnb-row" }, form, final, rerun, open), fault);
  let units = "";
  unit.addEventListener("change", () => { amount.value = unit.selectedOptions[0].dataset.usual; });
  amount.addEventListener("keydown", (event) => { if (event.key === "Enter") more.click(); });
  field.node.querySelector(".pfnb-label").remove();

  function extendable(found) {
    const key = JSON.stringify(found);
    if (key === units) return;
    units = key;
    unit.replaceChildren(...found.map(([name, usual]) => h("option", { value: name, "data-usual": usual }, name)));
    unit.hidden = found.length < 2;
    say(only, found.length === 1 ? found[0][0] : "");
    amount.value = found[0]?.[1] ?? "";
  }

  function show(state, faults, pictures, opened) {
    const over = state.over ?? {};
    const failed = state.status === "failed";
    // The line is of the fit that stands below; what a later run failed of is said under it.
    const stands = (over.words ?? []).length > 0;
    verdict.setAttribute("class", `pfnb-verdict pfnb-sign-${stands ? over.level : state.halted ? "none" : "bad"}`);
    verdict.replaceChildren(stands ? `${over.icon} ${over.word}` : state.halted ? "○ Stopped" : "✕ Failed");
    verdict.setAttribute("title", over.sentence ?? "");
    say(made, stands ? over.words.join(" · ") : state.engine);
    made.setAttribute("title", made.textContent);
    extendable(over.units ?? []);
    form.hidden = !(over.units ?? []).length;
    say(final, over.final ?? "");
    field.tell(faults.more ?? "");
    say(rerun, stands ? "Run again" : "Start again");
    open.hidden = !pictures;
    open.setAttribute("aria-expanded", String(opened));
    fault.hidden = !failed;
    const later = state.engine || "The next run";
    const first = stands ? `${later} ${state.halted ? "was stopped" : "failed"}; this fit stays.` : "";
    say(fault, failed ? [first, state.message, state.hint].filter(Boolean).join(" ") : "");
  }

  return { node, show, rerun };
}

// Words for the live region; a percentage would make it chatter.
function spoken(state) {
  if (state.status === "idle") return "not started";
  if (state.status === "running") return state.phase ? `${state.phase}${state.phase === "compiling" ? "…" : ""}` : "starting";
  if (state.status === "done") return state.over.stopped ? "stopped early" : "done";
  return { pausing: "pausing…", paused: "paused", stopping: "stopping…", failed: "failed" }[state.status] ?? state.status;
}

function render({ model, el }) {
  widget(el);
  const view = { form: false, pictures: false, asked: "" };
  let spokenAt = 0;
  let later = 0;

  const send = (content) => {
    // Every click shows at once, also where the kernel is busy.
    const shown = { pause: "pausing…", resume: "running", stop: "stopping…", start: "starting", more: "starting" }[content.kind];
    if (shown) {
      say(status, shown);
      root.setAttribute("data-asked", content.kind);
    }
    post(content);
  };
  // Where the kernel has gone, nothing can be sent; the page says so instead of showing a run that is no more.
  let gone = false;
  const post = (content) => {
    try {
      model.send(content);
    } catch {
      gone = true;
      show();
    }
  };
  const lost = () => {
    gone = false;
    post({ kind: "hello" });
    show();
  };
  const again = () => {
    view.form = !view.form;
    if (view.form) post({ kind: "form" });
    show();
    if (view.form) form.node.querySelector("select")?.focus();
  };
  const cancel = () => {
    view.form = false;
    show();
    over.rerun.focus();
  };

  const unless = (node, kind) => { if (node.getAttribute("aria-disabled") !== "true") send({ kind }); };
  const turn = button("Pause", () => unless(turn, turn.textContent === "Pause" ? "pause" : "resume"));
  const stop = button("Stop", () => unless(stop, "stop"));
  const engine = h("strong", {});
  const status = h("span", { class: "pfnb-status", role: "status", "aria-live": "polite" });
  const progress = progressPart();
  const controls = h("div", { class: "pfnb-controls pfnb-row" }, turn, stop, h("span", { class: "pfnb-what" }, engine, " ", status), progress.nodes);
  const note = h("p", { class: "pfnb-note pfnb-muted" });
  const steering = h("div", { class: "pfnb-steering pfnb-row" });
  const steers = new Map();
  const over = overPart(send, again, () => {
    view.pictures = !view.pictures;
    show();
  });
  const form = formPart(post, (order) => send({ kind: "start", ...order }), cancel);
  const waiting = h("p", { class: "pfnb-muted" }, "Asking the engines and devices…");
  const pictures = picturesPart(send);
  const orphan = h("p", { class: "pfnb-note pfnb-muted", hidden: true },
    "The kernel of this panel is gone; what is shown below stays. Run the cell again to go on.");
  const root = h("section", { class: "pfnb-panel", "aria-label": "fit" }, orphan, controls, over.node, note, steering, waiting, form.node, pictures.node);
  el.replaceChildren(root);

  function steer(state, faults) {
    const wanted = state.steering ?? [];
    for (const [name, label, value] of wanted) {
      if (!steers.has(name)) {
        steers.set(name, steerPart(name, label, send));
        steering.append(steers.get(name).node);
      }
      steers.get(name).show(value);
      steers.get(name).tell(faults[name] ?? "");
    }
    for (const [name, part] of steers) {
      if (wanted.some(([known]) => known === name)) continue;
      part.node.remove();
      steers.delete(name);
    }
  }

  // Where the control that was used is no longer there, the keyboard goes on with the one that takes its place.
  function refocus(active) {
    const old = document.activeElement;
    if (old && old !== document.body && root.contains(old) && old.closest("[hidden]")) {
      const next = active ? turn : over.node.hidden ? form.node.querySelector("select") : over.rerun;
      next?.focus();
    }
  }

  function announce(state) {
    const words = spoken(state);
    clearTimeout(later);
    const wait = spokenAt + CALM - performance.now();
    if (state.status === "running" && wait > 0 && status.textContent !== "running") {
      later = setTimeout(() => announce(model.get("state")), wait);
      return;
    }
    if (status.textContent !== words) spokenAt = performance.now();
    say(status, words);
  }

  function show() {
    const [state, faults, drawn] = [model.get("state"), model.get("faults"), model.get("pictures")];
    orphan.hidden = !gone;
    if (gone) {
      root.setAttribute("data-status", "gone");
      for (const part of root.children) part.hidden = part !== orphan;
      return;
    }
    const active = ACTIVE.includes(state.status);
    const idle = state.status === "idle";
    if (active && root.dataset.status !== state.status && !ACTIVE.includes(root.dataset.status)) view.form = false;
    root.setAttribute("data-status", state.status);
    controls.hidden = !active;
    steering.hidden = false;
    over.node.hidden = active || idle;
    say(turn, state.status === "running" ? "Pause" : "Resume");
    // A button that is disabled loses the keyboard, which then has nowhere to go on from.
    for (const one of [turn, stop]) one.setAttribute("aria-disabled", String(state.status === "stopping"));
    say(engine, state.engine);
    announce(state);
    if (active) progress.show(state);
    steer(active ? state : {}, faults);
    note.hidden = !(active && state.phase === "compiling");
    say(note, note.hidden ? "" : COMPILING);
    form.offer(model.get("form"));
    form.tell(faults);
    const filling = idle || (view.form && !active);
    form.show(filling && form.ready(), idle);
    waiting.hidden = !filling || form.ready();
    pictures.show(drawn, f32(model.get("curves")), f32(model.get("line")), active || view.pictures ? state : { ...state, figures: [] });
    if (!active && !idle) over.show(state, faults, pictures.some(), view.pictures);
    pictures.node.hidden = !(active || (view.pictures && !idle)) || !(pictures.some() || (state.figures ?? []).length);
    pictures.reserve(active);
    root.classList.toggle("pfnb-folded", !active && !filling && !view.pictures);
    refocus(active);
  }

  const soon = paced(show);
  const tick = setInterval(() => { if (root.dataset.status === "running") progress.clock(); }, 500);
  model.on("change", soon);
  model.on("comm_live_update", lost);
  const resized = new ResizeObserver(soon);
  resized.observe(root);
  show();
  post({ kind: "hello" });
  return () => {
    model.off("change", soon);
    model.off("comm_live_update", lost);
    resized.disconnect();
    soon.cancel();
    clearInterval(tick);
    clearTimeout(later);
  };
}

export default { render };
