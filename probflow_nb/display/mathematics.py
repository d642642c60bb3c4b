"""Mathematics: a linear mixed model in the field's notation, as HTML tags, LaTeX or plain text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from . import escape
from .card import Equation, FamilyEquation, GroupEquation, Statements
from .notation import BETWEEN_WORDS, GREEK, Line, Piece, Symbol, statement_lines

_NAME = 32  # characters of a name inside a formula
_FAMILIES = (
    "Bernoulli", "Binomial", "Poisson", "NegativeBinomial", "ZeroInflatedPoisson", "ZeroInflatedNegativeBinomial",
    "Gamma", "Beta", "StudentT", "LogNormal",
)  # fmt: skip
_BEFORE = ("df",)  # further parameters that stand before the mean
_MANY = 6  # terms of a sum before its middle is left out

_LATEX_SYMBOLS = {
    **{letter: rf"\{name}" for name, letter in GREEK.items()},
    "−": "-",
    "·": r"\cdot",
    "…": r"\cdots",
    "~": r"\sim",
    **{name: rf"\mathrm{{{name}}}" for name in ("Normal", *_FAMILIES)},
    "logit": r"\mathrm{logit}",
    "probit": r"\mathrm{probit}",
    "cloglog": r"\mathrm{cloglog}",
    "cauchit": r"\mathrm{cauchit}",
    "logistic": r"\mathrm{logistic}",
    "exp": r"\exp",
    "log": r"\log",
    "sqrt": r"\mathrm{sqrt}",
    " ≤ ": r"\le ",
    ",  ": r",\quad ",
    BETWEEN_WORDS: r"\ ",
}
_SUBSCRIPTS = str.maketrans("0123456789ij", "₀₁₂₃₄₅₆₇₈₉ᵢⱼ")


def lines(equation: Equation | Statements) -> tuple[Line, ...]:
    """Return the statements of any model: of a mixed model in the field's letters, of another as it is written."""
    return statement_lines(equation) if isinstance(equation, Statements) else _mixed_lines(equation)


def _mixed_lines(equation: Equation) -> tuple[Line, ...]:
    """Return the model's statements: likelihood, mean, then one a group term.

    y_i ~ Normal(mu_i, sigma); mu_i = beta_0 + beta_1 x_i + b_{g[i],0} + ...; b_{g[j]} ~ Normal(0, Sigma_g),
    where a single or an uncorrelated column has sigma_g, a standard deviation, in place of the covariance
    matrix. Of a sum of more than six terms the first two and the last are written.
    """
    scale: tuple[Piece, ...] = (Symbol("σ"),)
    if equation.weighted:
        scale = (Symbol("σ"), " / ", Symbol("√w", below=("i",)))
    response = Symbol(equation.response, True, ("i",))
    mean = Symbol("μ", below=("i",))
    terms = _elide(_common(equation.columns))
    priors: list[Line] = []
    for group, start in zip(equation.groups, _starts(equation.groups)):
        columns = _columns_of(equation.groups, group.factor)
        terms += _elide(_group(group, start, columns > 1))
        # A term that shares its factor with another says which of the columns it speaks of.
        priors.append(_group_prior(group, start, columns > len(group.columns)))
    if equation.offset:
        terms.append((Symbol("offset", True, ("i",)),))
    if equation.family is not None:
        return (*_family_lines(response, equation.family, _sum(terms)), *priors)
    likelihood = Line((response,), "~", ("Normal", "(", mean, ", ", *scale, ")"))
    return (likelihood, Line((mean,), "=", _sum(terms)), *priors)


def _family_lines(response: Symbol, family: FamilyEquation, eta: tuple[Piece, ...]) -> tuple[Line, Line]:
    """Return the likelihood and the mean on the scale of the link: logit(p_i) = ..., log(mu_i) = ..."""
    if family.distribution == "Ordinal":
        return _ordinal_lines(response, family.link, eta)
    mean = Symbol("p" if family.distribution in ("Bernoulli", "Binomial") else "μ", below=("i",))
    trials: tuple[Piece, ...] = ()
    if family.trials:
        number = family.trials.replace(".", "", 1).isdigit()
        trials = (family.trials if number else Symbol(family.trials, True, ("i",)), ", ")
    left: tuple[Piece, ...] = (mean,) if family.link == "identity" else (family.link, "(", mean, ")")
    if family.link == "inverse":
        left = ("1 / ", mean)
    further = [Symbol(GREEK[name]) if name in GREEK else Symbol(name, True) for name in family.further]
    before = [piece for name in family.further if name in _BEFORE for piece in (Symbol(name, True), ", ")]
    after = [piece for one in further if one.text not in _BEFORE for piece in (", ", one)]
    likelihood = Line((response,), "~", (family.distribution, "(", *trials, *before, mean, *after, ")"))
    return likelihood, Line(left, "=", eta)


def _ordinal_lines(response: Symbol, link: str, eta: tuple[Piece, ...]) -> tuple[Line, Line]:
    """Return P(y_i <= k) = F(cut_k - eta_i), F the distribution function that the link inverts, and eta_i = ..."""
    linear = Symbol("η", below=("i",))
    inside: tuple[Piece, ...] = (Symbol("cut", True, (Symbol("k"),)), " − ", linear)
    forms: dict[str, tuple[Piece, ...]] = {
        "logit": ("logistic", "(", *inside, ")"),
        "probit": (Symbol("Φ"), "(", *inside, ")"),
        "cloglog": ("1", " − ", "exp", "(", "−", "exp", "(", *inside, ")", ")"),
    }
    left: tuple[Piece, ...] = (Symbol("P", True), "(", response, " ≤ ", Symbol("k"), ")")
    return Line(left, "=", forms.get(link, (link, "⁻¹", "(", *inside, ")"))), Line((linear,), "=", eta)


def _starts(groups: Sequence[GroupEquation]) -> list[int]:
    """Return the number of each term's first column; terms of one factor are numbered through."""
    used: dict[str, int] = {}
    starts = []
    for group in groups:
        first = used.get(group.factor, 0 if "Intercept" in group.columns else 1)
        starts.append(first)
        used[group.factor] = first + len(group.columns)
    return starts


def _columns_of(groups: Sequence[GroupEquation], factor: str) -> int:
    return sum(len(g.columns) for g in groups if g.factor == factor)


def _common(columns: Sequence[str]) -> list[tuple[Piece, ...]]:
    first = 0 if "Intercept" in columns else 1
    return [(Symbol("β", below=(str(first + k),)), *_column(name)) for k, name in enumerate(_intercept_first(columns))]


def _group(group: GroupEquation, start: int, several: bool) -> list[tuple[Piece, ...]]:
    level = (Symbol(group.factor, True), "[", "i", "]")
    return [
        (Symbol("b", below=level + ((",", str(start + k)) if several else ())), *_column(name))
        for k, name in enumerate(_intercept_first(group.columns))
    ]


def _group_prior(group: GroupEquation, start: int, several: bool) -> Line:
    name, size = Symbol(group.factor, True), len(group.columns)
    last = start + size - 1
    joint = group.correlated and size > 1
    tail = ""
    which: tuple[Piece, ...] = ()
    if not joint and size > 1:
        which = (",", Symbol("k"))
        tail = f" = {start}, {last}" if size == 2 else f" = {start}, …, {last}"
    elif several and size == 1:
        which = (",", str(start))
    elif joint and several:
        which = (",", f"{start}…{last}")
    spread = Symbol("Σ" if joint else "σ", below=(name, *which))
    right: tuple[Piece, ...] = ("Normal", "(", "0, ", spread, ")")
    if tail:
        right += (",  ", Symbol("k"), tail)
    return Line((Symbol("b", below=(name, "[", "j", "]", *which)),), "~", right)


def _intercept_first(columns: Sequence[str]) -> list[str]:
    return sorted(columns, key=lambda name: name != "Intercept")


def _column(name: str) -> tuple[Piece, ...]:
    return () if name == "Intercept" else (" ", Symbol(name, True, ("i",)))


def _elide(terms: list[tuple[Piece, ...]]) -> list[tuple[Piece, ...]]:
    return terms if len(terms) <= _MANY else [*terms[:2], ("…",), terms[-1]]


def _sum(terms: Sequence[tuple[Piece, ...]]) -> tuple[Piece, ...]:
    if not terms:
        return ("0",)
    pieces: list[Piece] = list(terms[0])
    for term in terms[1:]:
        pieces += [" + ", *term]
    return tuple(pieces)


def html(equation: Equation | Statements) -> list[str]:
    """Return one HTML fragment a statement, from `<i>`, `<sub>` and text alone."""
    return [_write(line, _html_piece, "&nbsp;") for line in lines(equation)]


def text(equation: Equation | Statements) -> list[str]:
    """Return one line of Unicode text a statement, such as `μᵢ = β₀ + β₁ Daysᵢ + b[Subject[i],0]`."""
    return [_write(line, _text_piece, " ") for line in lines(equation)]


def latex(equation: Equation | Statements) -> str:
    """Return the statements as one LaTeX `aligned` environment, without the `$` around it."""
    rows = []
    for line in lines(equation):
        left, right = ("".join(map(_latex_piece, side)) for side in (line.left, line.right))
        rows.append(f"{left} &{_LATEX_SYMBOLS.get(line.relation, line.relation)} {right}")
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"


def _write(line: Line, piece: Callable[[Piece], str], blank: str) -> str:
    left, right = ("".join(map(piece, side)) for side in (line.left, line.right))
    return f"{left}{blank}{line.relation} {right}"


def _html_piece(piece: Piece) -> str:
    if isinstance(piece, str):
        return f"<i>{piece}</i>" if piece in ("i", "j") else escape.html(piece)
    base = escape.html(piece.text, _NAME)
    if not piece.is_name and piece.text != "Σ":
        base = f"<i>{base}</i>"
    base += f"<sub>{''.join(map(_html_piece, piece.below))}</sub>" if piece.below else ""
    return base + (f"<sup>{''.join(map(_html_piece, piece.above))}</sup>" if piece.above else "")


def _text_piece(piece: Piece) -> str:
    if isinstance(piece, str):
        return piece.replace(BETWEEN_WORDS, " ")
    base = escape.plain(piece.text, _NAME)
    below, above = ("".join(map(_text_piece, pieces)) for pieces in (piece.below, piece.above))
    if below and all(c in "0123456789ij" for c in below):
        base += below.translate(_SUBSCRIPTS)
    elif below:
        base += f"[{below}]"
    return base + (f"^{above}" if above else "")


def _latex_piece(piece: Piece) -> str:
    if isinstance(piece, str):
        sign = _LATEX_SYMBOLS.get(piece.strip(" ")) if piece != piece.strip(" ") else None
        return f" {sign} " if sign else _LATEX_SYMBOLS.get(piece, piece.replace("…", r"\ldots"))
    if piece.text == "√w" and not piece.is_name:
        return r"\sqrt{w_{i}}"
    if piece.is_name:
        base = r"\text{" + escape.latex(piece.text, _NAME) + "}"
    else:
        base = _LATEX_SYMBOLS.get(piece.text, piece.text)
    base += "_{" + "".join(map(_latex_piece, piece.below)) + "}" if piece.below else ""
    return base + ("^{" + "".join(map(_latex_piece, piece.above)) + "}" if piece.above else "")
