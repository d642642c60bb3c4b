"""Exports: a fit as a table of other tools: tidy frames, LaTeX, Markdown, HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .shown import Shown

if TYPE_CHECKING:
    import pandas as pd

    from .fit_table import FitTable


class Exports(Shown):
    """What a fit becomes outside the notebook."""

    answer: Any

    def to_frame(self, interval: float = 0.95, effects: bool = True) -> pd.DataFrame:
        """Return every parameter as a row of a tidy table, the scalars first, then the group effects.

        Columns: term, kind ("common", "sd", "cor", "residual", "further", "cutpoint" or "effect"; "parameter" and
        "scale" of a model of one's own), group (the factor), level, estimate (posterior mean, or the estimate of a
        point fit), sd (or standard error), lower and upper (the central interval; estimate ± z se of a point fit), ess
        and rhat. effects: whether group effects have rows, one a level and column.
        Raises FitError for an interval outside of 0 to 1.
        """
        from .tidy import tidy

        return tidy(self.model, self.answer, self.facts, interval, effects)

    def to_latex(self, interval: float = 0.95, caption: str = "", label: str = "") -> str:
        r"""Return the regression table of a paper as LaTeX; needs booktabs alone.

        caption, label: with either it stands inside a `table`, where `\ref` finds it. `pf.table(a, b)` sets several
        fits side by side. Raises FitError for an interval outside of 0 to 1.
        """
        return self._table(interval, caption).to_latex(label)

    def to_markdown(self, interval: float = 0.95, caption: str = "") -> str:
        """Return the regression table of a paper as a Markdown table; see `to_latex`."""
        return self._table(interval, caption).to_markdown()

    def to_html(self, interval: float = 0.95, caption: str = "") -> str:
        """Return the regression table of a paper as HTML without scripts; see `to_latex`."""
        return self._table(interval, caption).to_html()

    def _table(self, interval: float, caption: str) -> FitTable:
        from .fit_table import table

        return table({self.name or "fit": self}, interval=interval, caption=caption)  # type: ignore[dict-item]
