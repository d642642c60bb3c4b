"""Pipeline: text and data to a compiled model; every line is a public function that returns a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..design.builder import build
from ..errors import ProbflowError
from ..lang import parse
from ..spec.families import GAUSSIAN, Family
from ..spec.formula import lower
from ..spec.model_spec import ModelSpec
from .compile import compile_model
from .families import has_record
from .further_formulas import further_program
from .given import Given, held
from .model import Model
from .program import Program
from .statement_data import checked_arrays, with_arrays
from .statement_priors import check_priors
from .statements import program


def model_of(
    text: str, data: Any = None, arrays: Mapping[str, Any] | None = None, family: str | Family | None = None
) -> Model | Program:
    """Return the compiled mixed model where a text means one, else the program of its statements.

    data, arrays, family: as for `lme`. The model remembers them.
    Raises ProbflowError, with the faulty part of the text, for anything that a person can mend.
    """
    try:
        spec = lower(parse(text), family=family)
        named = checked_arrays(arrays)
        return replace(_model(spec, data, named), given=Given(text, family, held(data), dict(named)))
    except ProbflowError as error:
        raise error.within(text) from None


def _model(spec: Any, data: Any, arrays: Mapping[str, Any]) -> Model | Program:
    if not isinstance(spec, ModelSpec):
        return program(spec, data, arrays)
    if spec.further:
        return further_program(spec, data, arrays)
    if spec.statements is not None and spec.family != GAUSSIAN and not has_record(spec.family):
        return program(spec.statements, data, arrays)
    design = build(spec, with_arrays(spec, data, arrays))
    check_priors(spec, design)
    return compile_model(spec, design)
