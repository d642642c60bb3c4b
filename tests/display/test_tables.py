from __future__ import annotations

import numpy as np
import pytest
from display_cards import NAMES, point_summary, sleep_summary

from probflow_nb.display import latex, markdown, text
from probflow_nb.display.table import COMMON, GROUP, RESIDUAL, table
from probflow_nb.posterior.summary import Summary

TEXT = """\
parameter                           mean    sd  median    2.5%   97.5%    ess
Common effects
  Intercept                       251.4   7.4   251.4   236.7   266.1   3,190
  Days                             10.5   1.7    10.5     7.1    13.8   3,120
Group sds and correlations
  sd(Intercept | Subject)          26.1   6.9    25.5    14.7    41.6   2,891
  sd(Days | Subject)                6.61  1.52    6.49    4.11    9.89  2,755
  cor(Intercept, Days | Subject)    0.08  0.30    0.09   -0.51    0.69  2,901
Residual
  sigma                            25.89  1.51   25.85   23.11   29.01  3,333"""

POINT = """\
parameter                         estimate   se
Common effects
  Intercept                         251.4   6.8
  Days                               10.5   1.5
Group sds and correlations
  sd(Intercept | Subject)            24.7   —
  sd(Days | Subject)                  5.92  —
  cor(Intercept, Days | Subject)      0.07  —
Residual
  sigma                              25.6   —"""

MARKDOWN = """\
| parameter                       | estimate |  se |
| ------------------------------- | -------: | --: |
| **Common effects**              |          |     |
| Intercept                       |   251.4_ | 6.8 |
| Days                            |    10.5_ | 1.5 |
| **Group sds and correlations**  |          |     |
| sd(Intercept \\| Subject)        |    24.7_ | —._ |
| sd(Days \\| Subject)             |     5.92 | —._ |
| cor(Intercept, Days \\| Subject) |     0.07 | —._ |
| **Residual**                    |          |     |
| sigma                           |    25.6_ | —._ |"""

LATEX = r"""\begin{tabular}{lrr}
\toprule
 & estimate & se \\
\midrule
\multicolumn{3}{l}{\textit{Common effects}} \\
\quad Intercept & 251.4\phantom{0} & 6.8 \\
\quad Days & 10.5\phantom{0} & 1.5 \\
\addlinespace
\multicolumn{3}{l}{\textit{Group sds and correlations}} \\
\quad sd(Intercept \textbar{} Subject) & 24.7\phantom{0} & ---\phantom{.}\phantom{0} \\
\quad sd(Days \textbar{} Subject) & 5.92 & ---\phantom{.}\phantom{0} \\
\quad cor(Intercept, Days \textbar{} Subject) & 0.07 & ---\phantom{.}\phantom{0} \\
\addlinespace
\multicolumn{3}{l}{\textit{Residual}} \\
\quad sigma & 25.6\phantom{0} & ---\phantom{.}\phantom{0} \\
\bottomrule
\end{tabular}"""


def test_text() -> None:
    assert text.render_table(table(sleep_summary())) == TEXT


def test_text_of_a_point_fit() -> None:
    assert text.render_table(table(point_summary())) == POINT


def test_markdown_of_a_point_fit() -> None:
    written = markdown.render_table(table(point_summary()))
    assert written.replace("\u2007", "_").replace("\u2008", ".") == MARKDOWN


def test_latex_of_a_point_fit() -> None:
    assert latex.render_table(table(point_summary())) == LATEX


def test_latex_writes_minus_and_exponent_as_mathematics() -> None:
    summary = Summary(("a",), (("mean", np.array([-3.2e-9])), ("sd", np.array([1e-9])), ("mcse", np.array([2e-11]))))
    assert r"\quad a & $-3.20 \times 10^{-9}$ & $1.00 \times 10^{-9}$ \\" in latex.render_table(table(summary))
    assert "$-$0.51" in latex.render_table(table(sleep_summary()))


def with_column(name: str, values: list[float]) -> Summary:
    summary = sleep_summary()
    return Summary(NAMES, tuple((n, np.array(values) if n == name else v) for n, v in summary.columns))


@pytest.mark.parametrize(
    ("rhat", "headers"),
    [
        ([1.002] * 6, ["ess", "rhat"]),
        ([1.0] * 5 + [np.nan], ["ess", "rhat"]),
        ([np.nan] * 6, ["ess"]),
    ],
)
def test_rhat_where_there_is_one(rhat: list[float], headers: list[str]) -> None:
    columns = table(with_column("rhat", rhat)).columns
    assert [header for header, _ in columns][:5] == ["mean", "sd", "median", "2.5%", "97.5%"]
    assert [header for header, _ in columns][5:] == headers


def test_a_column_called_sigma_is_a_common_effect() -> None:
    names = ("Intercept", "sigma", "sd(x)", "sd(Intercept | g)", "sigma")
    summary = Summary(names, (("estimate", np.arange(5.0)), ("se", np.ones(5))))
    found = table(summary, ("Intercept", "sigma", "sd(x)"))
    assert [(s.heading, s.rows) for s in found.sections] == [
        (COMMON, (0, 1, 2)),
        (GROUP, (3,)),
        (RESIDUAL, (4,)),
    ]


def test_many_common_effects_are_cut_and_counted() -> None:
    names = (*(f"x{i}" for i in range(100)), "sigma")
    shown = table(Summary(names, (("estimate", np.arange(101.0)), ("se", np.ones(101)))), names[:100])
    assert shown.left_out == 60
    assert shown.names[-2:] == ("x39", "sigma")
    assert shown.columns[0][1][-1] == "100.0"
    assert "60 more common effects" in text.render_table(shown)


def test_khat_where_it_differs() -> None:
    summary = with_column("khat", [0.1, 0.1, 0.2, 0.3, 0.4, 0.5])
    found = Summary(NAMES, tuple((n, np.full(6, np.nan) if n == "rhat" else v) for n, v in summary.columns))
    assert [header for header, _ in table(found).columns][5:] == ["ess", "khat"]
