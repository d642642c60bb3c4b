// Tables and sentences of the walk through a result.

// A name from data: its direction stays its own.
function nameOf(text) {
  return h("bdi", {}, text);
}

// A name inside a sentence: one that is read from the right must not turn the rest.
function told(name) {
  return /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/.test(name) ? `\u2068${name}\u2069` : name;
}

// The width that a picture may have, in pixels, so that its words keep their size.
function roomIn(node, most = 706) {
  return Math.round(Math.max(280, Math.min(most, node.clientWidth || most)));
}

function sentence(text, attributes = {}) {
  return text ? h("p", { class: "pfnb-words", ...attributes }, text) : null;
}

// Show what went wrong, or that there is nothing to show; returns whether that was all.
function saidAll(panel, found, key) {
  if (found.fault) {
    panel.replaceChildren(h("p", { class: found.broken ? "pfnb-words pfnb-failed" : "pfnb-words", role: "status" }, found.fault));
    return true;
  }
  if (key && found[key] === undefined) {
    panel.replaceChildren(sentence(found.words ?? ""));
    return true;
  }
  return false;
}

// sections: [{ heading, rows: [[name, cell, ...]] }].
function sectionTable(label, headers, sections) {
  const head = h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "parameter"),
    headers.map((header) => h("th", { scope: "col" }, header))));
  const bodies = sections.map(({ heading, rows }) => h("tbody", {},
    h("tr", { class: "pfnb-section" }, h("th", { scope: "rowgroup", colspan: headers.length + 1 }, heading)),
    rows.map(([name, ...cells]) => h("tr", {}, h("th", { scope: "row" }, nameOf(name)), cells.map((cell) => h("td", {}, cell))))));
  return scrolling(label, h("table", { class: "pfnb-table" }, head, bodies));
}

// A wide table scrolls by itself, also by the keyboard, and the page does not.
function scrolling(label, table) {
  return h("div", { class: "pfnb-scroll", role: "region", "aria-label": label, tabindex: 0 }, table);
}

function pairTable(pairs) {
  return h("table", { class: "pfnb-pairs" }, h("tbody", {},
    pairs.map(([label, value]) => h("tr", {}, h("th", { scope: "row" }, nameOf(label)), h("td", {}, nameOf(value))))));
}

async function renderSummary(panel, ask, memory) {
  const body = h("div", {});
  let wanted = 0;
  const show = async (interval) => {
    wanted += 1;
    const mine = wanted;
    const found = await ask(interval ? { interval } : {});
    if (mine !== wanted || saidAll(body, found, "sections")) return;
    memory.interval = found.interval;
    if (!panel.querySelector("select")) {
      const choices = found.intervals.map((percent) => ({ value: String(percent), text: `${percent}%` }));
      const control = menu(choices, String(found.interval), (value) => show(Number(value)));
      panel.prepend(h("div", { class: "pfnb-controls" }, labelled("interval", control).node));
    }
    const ratios = found.ratios ? sectionTable(`ratios with ${found.interval}% intervals`, found.ratios.headers, found.ratios.sections) : "";
    body.replaceChildren(sectionTable(`summary with ${found.interval}% intervals`, found.headers, found.sections),
      ratios, sentence(found.words) ?? "");
  };
  panel.append(body);
  await show(memory.interval);
}
