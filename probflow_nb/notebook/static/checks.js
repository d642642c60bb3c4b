// Checks: the verdict, figures of merit with the worst first, traces and ranks of chains.

const CHECK_SIGNS = { fine: "✓", caution: "!", bad: "✕" };
const CHECK_HUES = ["common", "variance", "correlation", "ink"];

function verdictBlock({ level, icon, word, sentence: text, advice, notes }) {
  return h("div", { class: `pfnb-judged pfnb-level-${level}` },
    h("p", {}, h("b", { class: "pfnb-sign" }, h("span", { "aria-hidden": "true" }, icon), ` ${word}.`), ` ${text} `,
      advice ? h("b", {}, advice) : null),
    notes.map((note) => h("p", { class: "pfnb-muted" }, note)));
}

function meritTable(headers, rows) {
  const row = ({ name, cells, level, words }) => h("tr", { class: `pfnb-level-${level}` },
    h("th", { scope: "row" }, nameOf(name)), cells.map((cell) => h("td", {}, cell)),
    h("td", { class: "pfnb-flag" }, h("span", { class: "pfnb-sign", "aria-hidden": "true" }, `${CHECK_SIGNS[level]} `), words));
  return scrolling("figures of merit, worst first", h("table", { class: "pfnb-table" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "parameter"), headers.map((header) => h("th", { scope: "col" }, header)),
      h("th", { scope: "col", class: "pfnb-flag" }, "says"))),
    h("tbody", {}, rows.map(row))));
}

function rankPicture(counts, { chains, expected, label, width = 700, height = 84 }) {
  const node = frame(label, width, height);
  const bins = counts.length / chains;
  const high = Math.max(...counts, expected) * 1.05;
  const room = width / chains;
  const up = scale(0, high, height - 16, 2);
  for (let c = 0; c < chains; c += 1) {
    const left = c * room + 4;
    const wide = (room - 12) / bins;
    const bars = Array.from({ length: bins }, (_, b) => {
      const top = up(counts[c * bins + b]);
      return `M${(left + b * wide).toFixed(1)} ${up(0)}V${top.toFixed(1)}h${Math.max(wide - 1, 0.5).toFixed(1)}V${up(0)}Z`;
    });
    const end = left + bins * wide;
    node.append(svg("path", { d: bars.join(""), fill: `var(--pf-${CHECK_HUES[c % 4]})`, "fill-opacity": 0.55 }),
      svg("line", { class: "pfnb-even", x1: left, x2: end, y1: up(expected), y2: up(expected) }),
      svg("text", { class: "pfnb-tick", x: (left + end) / 2, y: height - 3, "text-anchor": "middle" }, `chain ${c + 1}`));
  }
  return node;
}

function traceView(names, first, ask, memory) {
  const shown = h("div", {});
  const words = h("p", { class: "pfnb-words", role: "status" });
  let chosen = memory.trace < names.length ? memory.trace : first;
  const show = async () => {
    memory.trace = chosen;
    const asked = chosen;
    const found = await ask({ trace: chosen });
    if (asked !== chosen) return;
    if (found.fault) {
      say(words, found.fault);
      return;
    }
    const [values, counts] = found.buffers.map(f32);
    const each = values.length / found.chains;
    const step = found.draws / each;
    const lines = Array.from({ length: found.chains }, (_, c) => ({
      x: Float32Array.from({ length: each }, (__, i) => i * step + 1),
      y: values.subarray(c * each, (c + 1) * each), hue: CHECK_HUES[c % 4], opacity: 0.7,
    }));
    const figures = `rhat ${found.rhat}, ${found.ess} effective draws`;
    say(words, `${told(found.name)}: ${figures}; ${found.rank_words}.`);
    const trace = linePicture({ lines, label: `Trace of ${found.name} in ${found.chains} chains of ${found.draws} draws: ${figures}`,
      words: { x: "draw" }, width: roomIn(shown), height: 170 });
    const ranks = rankPicture(counts, { chains: found.chains, expected: found.expected, label: `Ranks of ${found.name}: ${found.rank_words}`, width: roomIn(shown) });
    shown.replaceChildren(h("figure", {}, h("figcaption", {}, "Trace: chains that agree lie over each other"), trace),
      h("figure", {}, h("figcaption", {}, "Ranks: chains that agree fill all bins alike"), ranks));
  };
  const choices = names.map((text, i) => ({ value: String(i), text }));
  const control = labelled("parameter", menu(choices, String(chosen), (value) => {
    chosen = Number(value);
    show();
  }));
  const node = h("section", { class: "pfnb-part", "aria-label": "trace and ranks" }, h("h4", {}, "Trace and ranks"),
    h("div", { class: "pfnb-controls" }, control.node), words, shown);
  return { node, show };
}

async function renderChecks(panel, ask, memory) {
  const found = await ask({});
  if (saidAll(panel, found, "verdict")) return;
  panel.append(verdictBlock(found.verdict), h("ul", { class: "pfnb-lines" }, found.lines.map((line) => h("li", {}, line))));
  if (found.words) panel.append(sentence(found.words));
  if (found.rows) panel.append(meritTable(found.headers, found.rows), sentence(found.left_out) ?? "");
  if (found.names?.length) {
    const trace = traceView(found.names, found.first, ask, memory);
    panel.append(trace.node);
    await trace.show();
  }
}
