// The walk: a strip of tabs over a fit. What a tab shows is asked for when it is opened, and kept.

const WALK_RENDER = {
  Summary: (...words) => renderSummary(...words),
  Posterior: (...words) => renderPosterior(...words),
  Groups: (...words) => renderGroups(...words),
  Fit: (...words) => (typeof renderFit === "function" ? renderFit(...words) : words[0].append(sentence("Fitted curves are not drawn here yet."))),
  Checks: (...words) => renderChecks(...words),
  Model: (...words) => renderModel(...words),
};
const WALK_KEPT = 40; // answers
const WALK_SOON = 350; // milliseconds until a person is told to wait
const WALK_LATE = 6000; // and until they are told why it may never come
const WALK_GONE = "There is no kernel that could be asked; the result below stays.";

// Questions to the kernel and their answers: asker.ask(tab)(question) -> { ...content, buffers }.
function walkAsker(model) {
  const waiting = new Map();
  const kept = new Map();
  const mine = Math.random().toString(36).slice(2);
  let number_ = 0;
  const heard = (message, buffers) => {
    if (message?.kind !== "answer" || !waiting.has(message.id)) return;
    waiting.get(message.id)({ ...message.content, buffers: buffers ?? [] });
    waiting.delete(message.id);
  };
  model.on("msg:custom", heard);
  const ask = (tab) => async (question) => {
    const key = `${model.get("version")} ${tab} ${JSON.stringify(question)}`;
    if (kept.has(key)) return kept.get(key);
    const id = `${mine}-${number_}`;
    number_ += 1;
    const answer = await new Promise((resolve) => {
      waiting.set(id, resolve);
      try {
        model.send({ kind: "ask", id, tab, question });
      } catch {
        waiting.delete(id);
        resolve({ fault: WALK_GONE });
      }
    });
    if (!answer.fault) kept.set(key, answer);
    if (kept.size > WALK_KEPT) kept.delete(kept.keys().next().value);
    return answer;
  };
  return { ask, forget: () => kept.clear(), release: () => model.off("msg:custom", heard) };
}

// Draw one tab into a fresh body; says so where the kernel takes its time. Returns what ends it.
function walkDraw(name, panel, ask, memory) {
  const body = h("div", { class: "pfnb-tab-body" });
  const wait = h("p", { class: "pfnb-words pfnb-muted", role: "status" });
  let [release, over] = [null, false];
  panel.style.minHeight = `${panel.offsetHeight}px`;
  const soon = setTimeout(() => {
    say(wait, "Waiting for the kernel…");
    panel.replaceChildren(wait, body);
  }, WALK_SOON);
  const late = setTimeout(() => say(wait, "The kernel is busy, or gone; the result below stays."), WALK_LATE);
  const settle = () => {
    clearTimeout(soon);
    clearTimeout(late);
    wait.remove();
  };
  panel.replaceChildren(body);
  const drawn = Promise.resolve().then(() => WALK_RENDER[name](body, ask, memory)).then((ended) => {
    release = typeof ended === "function" ? ended : null;
    if (over) release?.();
  }).catch((error) => {
    body.replaceChildren(h("p", { class: "pfnb-words pfnb-failed", role: "alert" }, `This could not be drawn (${error.message}).`));
  }).finally(() => {
    settle();
    if (!over) panel.style.minHeight = "";
  });
  return { drawn, end: () => {
    over = true;
    settle();
    release?.();
    release = null;
  } };
}

// JupyterLab opens the way past a busy kernel with a widget's first message, which itself has to wait.
function greet(model) {
  try {
    model.send({ kind: "hello" });
  } catch {
    // There is no kernel; the first question will say so.
  }
}

function render({ model, el }) {
  const asker = walkAsker(model);
  const memories = {};
  let [open, showing] = [-1, null];
  const names = model.get("tabs");
  const strip = h("div", { class: "pfnb-tabs", role: "tablist" });
  const panel = h("div", { class: "pfnb-tab-panel", role: "tabpanel", hidden: true });
  const tabs = names.map((name, i) => h("button", { type: "button", class: "pfnb-tab", role: "tab", "aria-selected": "false",
    "aria-expanded": "false", tabindex: i ? -1 : 0, onclick: () => choose(i === open ? -1 : i) }, name));

  const draw = () => {
    showing?.end();
    showing = open < 0 ? null : walkDraw(names[open], panel, asker.ask(names[open]), (memories[names[open]] ??= {}));
  };
  const choose = (i) => {
    open = i;
    tabs.forEach((tab, k) => {
      tab.setAttribute("aria-selected", String(k === i));
      tab.setAttribute("aria-expanded", String(k === i));
    });
    panel.hidden = i < 0;
    panel.style.minHeight = "";
    if (i >= 0) {
      reach(i);
      panel.setAttribute("aria-label", names[i]);
      if ("ariaControlsElements" in tabs[i]) tabs[i].ariaControlsElements = [panel];
    } else panel.replaceChildren();
    draw();
  };
  const reach = (i) => tabs.forEach((tab, k) => tab.setAttribute("tabindex", k === i ? 0 : -1));
  strip.addEventListener("keydown", (event) => {
    const now = tabs.indexOf(event.target);
    const to = { ArrowRight: (now + 1) % tabs.length, ArrowLeft: (now + tabs.length - 1) % tabs.length, Home: 0, End: tabs.length - 1 }[event.key];
    if (now < 0 || to === undefined) return;
    event.preventDefault();
    reach(to);
    tabs[to].focus();
  });
  const newer = () => {
    asker.forget();
    strip.setAttribute("aria-label", model.get("name") ? `result of ${model.get("name")}` : "result");
    draw();
  };
  model.on("change:version", newer);
  newer();
  strip.append(...tabs);
  // The notebook's own keys stay quiet while one of ours is pressed in here.
  const root = h("div", { class: "pfnb-walk" }, strip, panel);
  widget(root);
  el.append(root);
  greet(model);
  return () => {
    showing?.end();
    model.off("change:version", newer);
    asker.release();
    root.remove();
  };
}

export default { render };
