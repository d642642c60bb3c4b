// The model: mathematics, long-hand text, Python, priors, data and how it was run.

// Copy a text and say so on the button; where the browser refuses, the text is marked so that a key copies it.
function copyButton(text, source) {
  let timer = 0;
  const node = button("Copy", async () => {
    clearTimeout(timer);
    const done = await copied(text, source);
    say(node, done ? "Copied" : "Press Ctrl+C");
    timer = setTimeout(() => say(node, "Copy"), 2500);
  }, { about: "copy the text to the clipboard" });
  return node;
}

async function copied(text, source) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const range = document.createRange();
    range.selectNodeContents(source);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    return document.execCommand("copy");
  }
}

function textBlock(heading, text, words) {
  if (!text) return words ? h("section", { class: "pfnb-part" }, h("h4", {}, heading), sentence(words)) : null;
  const source = h("pre", { class: "pfnb-source", tabindex: 0, "aria-label": heading, dir: "auto" }, text);
  return h("section", { class: "pfnb-part" }, h("div", { class: "pfnb-above" }, h("h4", {}, heading), copyButton(text, source)), source);
}

async function renderModel(panel, ask) {
  const found = await ask({});
  if (saidAll(panel, found, "mathematics")) return;
  const mathematics = h("div", { class: "pfnb-mathematics mathjax_ignore tex2jax_ignore" });
  for (const line of found.mathematics) {
    const row = h("div", {});
    // The display floor made this of <i>, <sub>, <sup>, <bdi> and escaped text.
    row.innerHTML = line;
    mathematics.append(row);
  }
  const part = (heading, pairs) => (pairs.length
    ? h("section", { class: "pfnb-part" }, h("h4", {}, heading), pairTable(pairs)) : "");
  const notes = found.notes.length
    ? h("section", { class: "pfnb-part" }, h("h4", {}, "Data"), found.notes.map((note) => sentence(note))) : "";
  panel.append(h("code", { class: "pfnb-formula" }, nameOf(found.formula)), mathematics,
    textBlock("Long-hand", found.text, found.text_words) ?? "", textBlock("As Python", found.python, found.python_words) ?? "",
    part("Priors", found.priors), notes, part("How it was run", found.run));
}
