// The form of a panel: engine, its options, seed, device. What is filled in stays while the engines are compared.

function formPart(send, start, cancel) {
  const node = h("form", { class: "pfnb-form", "aria-label": "how to fit", hidden: true });
  const filled = new Map();
  let offered = null;
  let fields = new Map();
  let touched = false;
  const away = button("Cancel", cancel);
  node.addEventListener("submit", (event) => {
    event.preventDefault();
    start(read());
  });

  function chosen() {
    return fields.get("engine")?.control.value ?? "auto";
  }

  function values(engine) {
    if (!filled.has(engine)) filled.set(engine, {});
    return filled.get(engine);
  }

  function read() {
    const engine = chosen();
    return { engine, options: { ...values(engine) }, seed: fields.get("seed").control.value, device: fields.get("device").control.value };
  }

  function option(engine, field) {
    const kept = values(engine);
    const now = kept[field.name] ?? field.default;
    const change = (value) => { kept[field.name] = value; };
    let control;
    if (field.kind === "switch") {
      control = h("input", { type: "checkbox", checked: now === "true", onchange: () => change(String(control.checked)) });
    } else if (field.kind === "choice") {
      const empty = field.optional ? [{ value: "", text: "as it decides" }] : [];
      control = menu([...empty, ...field.choices], now, change);
    } else {
      const mode = { whole: "numeric", number: "decimal" }[field.kind] ?? "text";
      control = h("input", { class: "pfnb-input", type: "text", inputmode: mode, autocomplete: "off", spellcheck: "false", value: now,
        placeholder: field.optional ? "as it decides" : "", oninput: () => change(control.value) });
    }
    return labelled(field.label, control, { about: field.help });
  }

  // What every engine has, and below it the options of the chosen one.
  function options() {
    const engine = chosen();
    const offer = offered.engines.find((one) => one.value === engine);
    const [first, seed, device] = ["engine", "seed", "device"].map((name) => fields.get(name));
    fields = new Map([["engine", first], ["seed", seed], ["device", device], ...offer.fields.map((field) => [field.name, option(engine, field)])]);
    // Nodes that are put in anew lose the keyboard.
    const focused = document.activeElement;
    const refusals = offered.engines.filter((one) => one.reason);
    node.replaceChildren(
      h("div", { class: "pfnb-fields" }, [first, seed, device].map((field) => field.node)),
      h("div", { class: "pfnb-fields" }, [...fields.values()].slice(3).map((field) => field.node)),
      ...refusals.map((one) => h("p", { class: "pfnb-refusal pfnb-muted" }, `${one.text}: ${one.reason}`)),
      h("div", { class: "pfnb-row" }, button("Start", null, { main: true }), away),
    );
    node.querySelector(".pfnb-main").type = "submit";
    if (node.contains(focused)) focused.focus();
  }

  function offer(found) {
    if (!found.engines || found === offered) return;
    // What a person has chosen before a newer offer came is theirs.
    const kept = (name) => (touched ? fields.get(name)?.control.value : undefined) ?? found.chosen[name];
    const start = { engine: kept("engine"), device: kept("device"), seed: found.chosen.seed };
    const held = [...fields].find(([, field]) => field.control === document.activeElement)?.[0];
    offered = found;
    const engines = found.engines.map((one) => ({ ...one, disabled: Boolean(one.reason), about: one.reason }));
    const seed = fields.get("seed")?.control.value ?? start.seed;
    fields = new Map([
      ["engine", labelled("engine", menu(engines, start.engine, () => {
        touched = true;
        options();
      }))],
      ["seed", labelled("seed", h("input", { class: "pfnb-input", type: "text", inputmode: "numeric", autocomplete: "off", value: seed, placeholder: "random" }))],
      ["device", labelled("device", menu(found.devices, start.device, () => { touched = true; }))],
    ]);
    options();
    if (held) fields.get(held)?.control.focus();
  }

  function tell(faults) {
    for (const [name, field] of fields) field.tell(faults[name] ?? "");
  }

  // Where nothing was fitted yet there is nothing to go back to.
  function show(visible, first) {
    if (!visible) touched = false;
    node.hidden = !visible;
    away.hidden = first;
  }

  return { node, offer, tell, show, ready: () => offered !== null };
}
