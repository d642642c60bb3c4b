"""ModelSpec: the one meaning of a model text, without data."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..lang.tree import Node
from .families import GAUSSIAN, Family
from .priors import Prior
from .statement_spec import Letters, StatementSpec
from .terms import GroupTerm, Term


@dataclass(frozen=True)
class ModelSpec:
    """A multilevel model: response, common terms, group terms, family and priors.

    response: the left side of the formula.
    intercept: whether there is a common intercept.
    terms: the common terms in R's order (by the number of factors, then as written).
    groups: one entry a group term, in the order written; `(1 | a/b)` is already (1 | a), (1 | a:b).
    offsets: expressions added to eta with coefficient 1.
    weights: the expression of precision weights, or None.
    priors: the statements written; after `resolve` (see `spec.defaults`) one for every parameter.
    source: the text that this came from, for error messages.
    complete: whether `resolve` has given every parameter its prior.
    further: the formulas of further parameters, each a spec whose family is `further.parameter_family` of its name.
    letters: those of the person, when the model was written as statements. statements: these, as they were written.
    """

    response: Node
    intercept: bool = True
    terms: tuple[Term, ...] = ()
    groups: tuple[GroupTerm, ...] = ()
    offsets: tuple[Node, ...] = ()
    weights: Node | None = None
    family: Family = GAUSSIAN
    priors: tuple[Prior, ...] = ()
    source: str = field(default="", compare=False, repr=False)
    complete: bool = field(default=False, compare=False, repr=False)
    further: tuple[ModelSpec, ...] = ()
    letters: Letters | None = field(default=None, compare=False, repr=False)
    statements: StatementSpec | None = field(default=None, compare=False, repr=False)

    def text(self) -> str:
        """Return the model long-hand, as explicit statements, with every prior.

        lower(parse(spec.text())) == spec. What statements cannot say, such as a probit link, is said by the short text.
        """
        from .longhand import long_text

        return long_text(self)

    def short_text(self) -> str:
        """Return the formula, then the family if not the default, weights, and one line for each prior.

        lower(parse(spec.short_text())) == spec, also when the priors are resolved.
        """
        from .text import model_text

        return model_text(self)

    @property
    def formula(self) -> str:
        """The formula in one line, such as `Reaction ~ Days + (Days | Subject)`; that of the response."""
        from .text import formula_text

        return formula_text(self)
