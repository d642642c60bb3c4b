// Highlighting of %%lme cells, written by hand as the module that JupyterLab 4 and Notebook 7 load: no build step.
// Reading follows probflow_nb/lang/tokens.py and the rule of spec/formula.py for what is a prior.
(() => {
  "use strict";

  // Every list is JSON, so that a test can hold it to the tables of the package.
  const WORDS = {
    "transforms": ["log", "log2", "log10", "log1p", "exp", "expm1", "sqrt", "abs", "I", "center", "scale",
                   "standardize", "poly", "bs", "ns", "C", "factor"],
    "parts": ["offset", "weights"],
    "matrices": ["design", "indicators"],
    "functions": ["logit", "inv_logit", "probit", "inv_probit", "inv_cloglog", "tanh", "softplus"],
    "contrasts": ["Treatment", "Sum", "Helmert", "Poly"],
    "truth": ["True", "TRUE", "False", "FALSE"],
    "distributions": ["Normal", "HalfNormal", "StudentT", "HalfStudentT", "Cauchy", "HalfCauchy", "Laplace",
                      "Logistic", "Exponential", "Gamma", "InverseGamma", "LogNormal", "Weibull", "Uniform", "Beta",
                      "LKJ", "Dirichlet", "MultivariateNormal", "Flat", "Default", "Bernoulli", "Binomial",
                      "Poisson", "NegativeBinomial", "ZeroInflatedPoisson", "ZeroInflatedNegativeBinomial",
                      "Ordinal"],
    "parameters": ["Intercept", "sigma"],
    "parameterCalls": ["sd", "cor", "centered"],
    "definitions": ["family", "weights"],
    "families": ["gaussian", "normal", "student_t", "student", "t", "bernoulli", "binomial", "beta", "poisson",
                 "negative_binomial", "negbinomial", "nbinom", "negbin", "gamma", "log_normal", "ordinal",
                 "cumulative", "zero_inflated_poisson", "zip", "zero_inflated_negative_binomial", "zinb"],
    "links": ["identity", "log", "inverse", "logit", "probit", "cloglog", "cauchit", "sqrt"]
  };
  const LONGEST = 100000;
  const BEGINNING = /^\s*%%lme(?=\s|$)/;

  const is = (list, word) => WORDS[list].includes(word);
  const isFunction = word => ["transforms", "parts", "matrices", "functions"].some(list => is(list, word));
  const folded = word => word.toLowerCase().replace(/[_.]/g, "");
  const isFamily = word => WORDS.families.some(family => folded(family) === folded(word));

  // ---- reading ----------------------------------------------------------------------------------------------

  // The first pattern that fits wins. A quote that is not closed yet reaches to the end of its line.
  const PATTERNS = [
    ["blank", /[^\S\n]+|[\u200b\u2060]+/uy],
    ["newline", /[\n;]/uy],
    ["comment", /#[^\n]*/uy],
    ["quoted", /`(?:\\.|[^\\`\n])*(?:`|\\?(?=\n|$))/uy],
    ["string", /"(?:\\.|[^\\"\n])*(?:"|\\?(?=\n|$))|'(?:\\.|[^\\'\n])*(?:'|\\?(?=\n|$))/uy],
    ["level", /\[[ \t]*(?:"(?:\\.|[^\\"\n])*"|'(?:\\.|[^\\'\n])*')[ \t]*\]|\[[^\]\n]*\]?/uy],
    ["number", /(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![\p{ID_Continue}\p{N}.])/uy],
    ["name", /[\p{ID_Start}_.][\p{ID_Continue}\p{N}.]*/uy],
    ["operator", /%in%|\*\*|\|\||[~=,()+*/:^|@-]/uy],
    ["other", /[\p{ID_Continue}\p{N}.]+|[^]/uy],
  ];
  const OPERANDS = ["quoted", "string", "level", "number", "name"];

  const readFlags = (text, from, to) => {
    const tokens = [];
    const words = /#.*|(?:"[^"]*"?|'[^']*'?|[^\s"'#])+/gu;
    for (const found of text.slice(from, to).matchAll(words)) {
      const start = from + found.index;
      const word = found[0];
      const flag = /^--[\p{L}][\p{L}\p{N}_-]*/u.exec(word);
      const kind = word.startsWith("#") ? "comment" : word === "%%lme" ? "magic" : flag ? "flag"
        : /^["']/.test(word) ? "string" : "value";
      const stop = flag ? start + flag[0].length : start + word.length;
      tokens.push({ kind, from: start, to: stop });
      if (stop < start + word.length) tokens.push({ kind: "value", from: stop, to: start + word.length });
    }
    return tokens;
  };

  const readModel = (text, from) => {
    const tokens = [];
    for (let at = from; at < text.length;) {
      for (const [kind, pattern] of PATTERNS) {
        pattern.lastIndex = at;
        const found = pattern.exec(text);
        if (found === null || found[0] === "") continue;
        at += found[0].length;
        if (kind !== "blank") tokens.push({ kind, text: found[0], from: at - found[0].length, to: at });
        break;
      }
    }
    return tokens;
  };

  const goesOn = token => token !== undefined && token.kind === "operator" && !"()".includes(token.text);

  // A newline ends a statement, except inside round brackets, after an operator and before one.
  const statements = tokens => {
    const found = [[]];
    let depth = 0;
    let pending = false;
    for (const token of tokens) {
      if (token.kind === "comment") continue;
      if (token.text === ";") { found.push([]); pending = false; continue; }
      if (token.kind === "newline") { pending = pending || depth === 0; continue; }
      const statement = found[found.length - 1];
      if (pending && !goesOn(token) && !goesOn(statement[statement.length - 1])) found.push([]);
      pending = false;
      if (token.text === "(") depth += 1;
      if (token.text === ")") depth = Math.max(0, depth - 1);
      found[found.length - 1].push(token);
    }
    return found.filter(statement => statement.length > 0);
  };

  // ---- meaning ----------------------------------------------------------------------------------------------

  const isSign = (token, sign) => token !== undefined && token.kind === "operator" && token.text === sign;
  const isCall = (tokens, at) => tokens[at] !== undefined && tokens[at].kind === "name" && isSign(tokens[at + 1], "(");

  const isPrior = (left, right, alone) => {
    const first = left[0];
    if (isCall(left, 0) && is("parameterCalls", first.text)) return true;
    if (!alone && left.length === 1 && first.kind === "name" && is("parameters", first.text)) return true;
    if (right.length === 0 || right[0].kind !== "name") return false;
    const word = right[0].text;
    if (isCall(right, 0)) return !isFunction(word) && (is("distributions", word) || /^\p{Lu}/u.test(word));
    return !alone && right.length === 1 && is("distributions", word);
  };

  // Words that mean the same wherever an expression stands.
  const markExpression = tokens => {
    const calls = [];
    tokens.forEach((token, at) => {
      const before = tokens[at - 1];
      if (isSign(token, "(")) calls.push(before !== undefined && before.kind === "transform" ? before.text : "");
      else if (isSign(token, ")")) calls.pop();
      else if (isSign(token, "|") || isSign(token, "||")) token.kind = "bar";
      else if (token.kind === "name") {
        const call = calls[calls.length - 1];
        const later = isSign(before, ",") || isSign(before, "=");
        const operand = before !== undefined && (OPERANDS.includes(before.kind) || isSign(before, ")"));
        if (token.text === "by" && operand) token.kind = "operator";
        else if (call === "C" && later && is("contrasts", token.text)) token.kind = "word";
        else if (call && later && is("truth", token.text)) token.kind = "word";
        else if (isCall(tokens, at) && isFunction(token.text)) token.kind = "transform";
      }
    });
  };

  const markPrior = (left, right) => {
    left.forEach((token, at) => {
      const known = at === 0 && isCall(left, 0) ? is("parameterCalls", token.text)
        : token.text === "Intercept" || (token.text === "sigma" && left.length === 1);
      if (token.kind === "name" && known) token.kind = "parameter";
    });
    const first = right[0];
    if (first !== undefined && first.kind === "name" && is("distributions", first.text)) first.kind = "distribution";
  };

  const markFormula = left => left.forEach((token, at) => {
    if ((token.kind === "name" && !isCall(left, at)) || token.kind === "quoted") token.response = true;
  });

  const markDefinition = (left, right) => {
    if (left.length !== 1 || left[0].kind !== "name" || !is("definitions", left[0].text)) return;
    left[0].kind = "definition";
    if (left[0].text !== "family") return;
    right.forEach((token, at) => {
      if (token.kind !== "name" && token.kind !== "transform") return;
      if (at === 0 && isFamily(token.text)) token.kind = "distribution";
      else if (at > 0 && !isSign(right[at + 1], "=")) token.kind = is("links", token.text) ? "word" : "name";
    });
  };

  const mark = tokens => {
    const parts = statements(tokens).map(statement => {
      const at = statement.findIndex(token => isSign(token, "~") || isSign(token, "="));
      return { statement, sign: at < 0 ? "" : statement[at].text, left: statement.slice(0, Math.max(at, 0)),
               right: at < 0 ? statement : statement.slice(at + 1) };
    });
    const tildes = parts.filter(part => part.sign === "~");
    for (const part of tildes) part.prior = part.left.length > 0 && isPrior(part.left, part.right, tildes.length === 1);
    // Without a formula, the left side that nothing else uses is the response.
    const explicit = tildes.every(part => part.prior);
    const isName = token => token.kind === "name" || token.kind === "quoted";
    const used = new Set(parts.flatMap(part => part.right.filter(isName).map(token => token.text)));
    const isOther = token => token.kind === "parameter" || (isName(token) && used.has(token.text));
    for (const { statement, sign, left, right, prior } of parts) {
      markExpression(statement);
      if (prior) {
        markPrior(left, right);
        if (explicit && !left.some(isOther)) markFormula(left);
      } else if (sign === "~") markFormula(left);
      else if (sign === "=") markDefinition(left, right);
    }
    return tokens;
  };

  // The tokens of a cell with their kinds; none when the cell is no %%lme cell.
  const read = text => {
    const beginning = text.length > LONGEST ? null : BEGINNING.exec(text);
    if (beginning === null) return [];
    const newline = text.indexOf("\n", beginning[0].length);
    const end = newline < 0 ? text.length : newline;
    return [...readFlags(text, 0, end), ...mark(readModel(text, end)).filter(token => token.kind !== "newline")];
  };

  // ---- colours ----------------------------------------------------------------------------------------------

  // The theme's own colours; where one is faint on its paper, some of the text's colour makes it readable.
  const theme = (name, share) =>
    `color-mix(in srgb, var(--jp-mirror-editor-${name}-color) ${share}%, var(--jp-content-font-color0))`;
  const COLOURS = {
    ".cm-pfnb": { color: "var(--jp-content-font-color1)", fontStyle: "normal", fontWeight: "normal" },
    ".cm-pfnb-magic": { color: theme("keyword", 85), fontWeight: "bold" },
    ".cm-pfnb-flag": { color: theme("property", 90) },
    ".cm-pfnb-definition": { color: theme("keyword", 85), fontWeight: "bold" },
    ".cm-pfnb-operator": { color: theme("operator", 90) },
    ".cm-pfnb-bar": { color: theme("operator", 90), fontWeight: "bold" },
    ".cm-pfnb-transform": { color: theme("property", 90) },
    ".cm-pfnb-distribution": { color: theme("keyword", 85) },
    ".cm-pfnb-parameter": { color: theme("property", 90), fontStyle: "italic" },
    ".cm-pfnb-word": { color: theme("keyword", 85) },
    ".cm-pfnb-number": { color: theme("number", 85) },
    ".cm-pfnb-string, .cm-pfnb-level": { color: theme("string", 90) },
    ".cm-pfnb-quoted": { color: theme("string-2", 85) },
    ".cm-pfnb-comment": { color: theme("comment", 70), fontStyle: "italic" },
    ".cm-pfnb-response": { fontWeight: "bold" },
  };

  // ---- the extension ----------------------------------------------------------------------------------------

  let scope = {};

  const later = (one, other) => one.localeCompare(other, "en", { numeric: true }) > 0;

  // The copy of a module that the application itself uses: the one that is loaded, else the newest.
  const shared = async name => {
    const versions = scope[name];
    if (versions === undefined) throw new Error(`probflow-nb: this application shares no ${name}`);
    const best = Object.keys(versions).reduce((one, other) => {
      const loaded = Number(Boolean(versions[other].loaded)) - Number(Boolean(versions[one].loaded));
      return loaded > 0 || (loaded === 0 && later(other, one)) ? other : one;
    });
    return (await versions[best].get())();
  };

  const extension = async () => {
    const [codemirror, view, state] = await Promise.all(
      ["@jupyterlab/codemirror", "@codemirror/view", "@codemirror/state"].map(shared));
    const { Decoration, EditorView, ViewPlugin } = view;

    const classes = token => {
      const kind = ["(", ")", ","].some(sign => isSign(token, sign)) ? "punctuation" : token.kind;
      return `cm-pfnb cm-pfnb-${kind}${token.response ? " cm-pfnb-response" : ""}`;
    };
    const decorate = text => Decoration.set(
      read(text).map(token => Decoration.mark({ class: classes(token) }).range(token.from, token.to)));

    const colouring = model => ViewPlugin.define(editor => {
      const isCell = state => /^text\/x-i?python$/.test(model.mimeType) && BEGINNING.test(state.sliceDoc(0, 1000));
      const plugin = {
        cell: isCell(editor.state),
        update(change) {
          const cell = isCell(change.state);
          if (cell === plugin.cell && !(cell && change.docChanged)) return;
          plugin.cell = cell;
          plugin.decorations = cell ? decorate(change.state.sliceDoc()) : Decoration.none;
        },
      };
      plugin.decorations = plugin.cell ? decorate(editor.state.sliceDoc()) : Decoration.none;
      return plugin;
    }, { decorations: plugin => plugin.decorations });

    const colours = EditorView.baseTheme(COLOURS);
    const factory = ({ inline, model }) => {
      if (!inline) return null;
      // The highest precedence makes the innermost elements, so Python's colours stay outside of ours.
      const parts = [state.Prec.highest(colouring(model)), colours];
      return codemirror.EditorExtensionRegistry.createImmutableExtension(parts);
    };
    const plugin = {
      id: "probflow-nb:highlighting",
      description: "Colours for the words of a model in %%lme cells.",
      autoStart: true,
      requires: [codemirror.IEditorExtensionRegistry],
      activate: (app, registry) => registry.addExtension({ name: "probflow-nb:highlighting", factory }),
    };
    return { __esModule: true, default: [plugin] };
  };

  const container = {
    init: given => { scope = given; },
    get: async name => {
      if (name !== "./extension") throw new Error(`probflow-nb: there is no module ${name}`);
      const module = await extension();
      return () => module;
    },
  };
  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB["probflow-nb"] = container;
})();
