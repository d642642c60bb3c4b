"""Response: hold the response of a design to its family, with a sentence at its place in the text."""

from __future__ import annotations

import numpy as np

from ...design.design import Design
from ...design.wording import first_row
from ...errors import DataError
from ...lang.source import quoted
from ...spec.model_spec import ModelSpec
from . import record_of


def check_response(spec: ModelSpec, design: Design) -> None:
    """Raise DataError for a response that the family cannot have."""
    record = record_of(spec.family, design)
    if record is None:
        return
    fault = record.fault(design.y, design.trials)
    if fault is None:
        return
    where = ""
    if fault.rows is not None:
        count = int(np.sum(fault.rows))
        which = first_row(fault.rows, design.rows)
        where = f", but {'1 is' if count == 1 else f'{count:,} are'} not in {quoted(design.response_name)}, {which}"
    raise DataError(
        f"{fault.message}{where}.",
        text=spec.source or None,
        span=spec.response.span,
        hint=fault.hint or "Look at the response, and at the rows that were left out.",
    )
