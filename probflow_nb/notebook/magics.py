"""The magics: `%%lme` reads a model from a cell and fits it, `%lme` lists the models of the notebook."""

from __future__ import annotations

import threading
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, kwds, magic_arguments
from IPython.display import display
from traitlets import Bool, Int, Unicode

from ..design.builder import build
from ..design.encoding import used_columns
from ..display import escape
from ..display.progress import Progress, new_progress
from ..errors import EngineError, ProbflowError, UsageError
from ..inference import ENGINES
from ..lang import parse
from ..model.statement_data import read_sources, with_arrays
from ..spec.formula import lower
from ..spec.model_spec import ModelSpec
from ..spec.statement_spec import StatementSpec
from . import flags, session
from .listing import listing
from .progress import Waiting

_OPTIONS = flags.options(ENGINES)


def _engine_flags(function: Any) -> Any:
    """Give a magic one flag for every option of the engines; the last decorated comes last in the help."""
    for keywords in reversed(flags.arguments(_OPTIONS)):
        function = argument(*keywords.pop("names"), **keywords)(function)
    return function


@magics_class
class LmeMagics(Magics):
    """Multilevel models in a notebook; `%config LmeMagics` shows and sets what follows."""

    engine = Unicode("", help="Engine of a fit that names none; empty lets the model decide.").tag(config=True)
    seed = Int(None, allow_none=True, help="Seed of a fit that names none.").tag(config=True)
    preload = Bool(True, help="Load TensorFlow in the background when the extension is loaded.").tag(config=True)

    loader: threading.Thread | None = None

    @no_var_expand
    @magic_arguments()
    @kwds(usage="%%lme [NAME] [--data DATA] [--engine ENGINE] [--seed N] [other flags, listed below]")
    @argument("name", nargs="?", default="", help="Variable that the fit is bound to; without it only _ is.")
    @argument("--data", metavar="DATA", default="", help="A data frame, a dotted name, or a built-in data set.")
    @argument("--engine", metavar="ENGINE", default="", help=f"How to fit: {', '.join(ENGINES)}.")
    @argument("--family", metavar="FAMILY", default="", help="Distribution of the response, such as gaussian.")
    @argument("--seed", metavar="N", default="", help="Seed of the random numbers: same seed, same draws.")
    @argument("--no-fit", action="store_true", help="Show the model and its priors, and do not fit it.")
    @argument("--force", action="store_true", help="Overwrite NAME even if it holds something else.")
    @_engine_flags
    @line_cell_magic
    def lme(self, line: str, cell: str | None = None) -> Any:
        """Fit the multilevel model that is written below this line.

            %%lme sleep --data sleepstudy
            Reaction ~ Days + (Days | Subject)

        The cell shows the fit: the model, a verdict on whether to trust it, the posterior, the group effects.
        The fit is bound to NAME, so that the next cell can ask sleep.summary(). Without --data the one data
        frame of the notebook that has all the columns is taken. %lme lists the models of the notebook, and
        %lme NAME shows one.

        The language, one statement a line, # begins a comment:

            y ~ a + b + a:b                 common effects; a*b is a + b + a:b
            y ~ 0 + a                       without the common intercept
            y ~ a + (1 | g)                 an intercept that varies over the levels of g
            y ~ a + (a | g)                 intercept and slope, correlated;  (a || g) uncorrelated
            y ~ a + (1 | g/h)               h nested in g: (1 | g) + (1 | g:h);  crossed: (1 | g) + (1 | h)
            log(y) ~ scale(a) + poly(b, 2)  log exp sqrt abs scale center poly bs ns C I
            y ~ a + offset(o) + weights(w)  known part of the mean; precision weights
            a ~ Normal(0, 10)               the prior of a's coefficient; so too for Intercept, sigma, sd(g),
                                            sd(a | g) and cor(g)

        A prior that is not written has a default, scaled to the data; NAME.spec.text() shows every one.

        Or as explicit statements, where every parameter is declared by its prior:

            X = design(1 + a)               a matrix of common columns;  w[a] is the coefficient of a
            Z = indicators(g)               one column a level;  design(1 + a) by g: columns that vary by level
            w ~ Normal(0, 100)              a parameter; its size follows from X @ w
            tau ~ HalfNormal(50)
            u ~ Normal(0, tau)              partial pooling;  MultivariateNormal(0, sd = tau, cor = R), R ~ LKJ(1)
            sigma ~ HalfNormal(50)
            y ~ Normal(X @ w + Z @ u, sigma)

            y ~ Poisson(log = X @ w + u[g])           u[g] is indicators(g) @ u
            y ~ StudentT(4, c + b * x, sigma)         Bernoulli Binomial NegativeBinomial Gamma Beta ...

        X and Z may also be arrays, data frames and sparse matrices of the notebook.

        Examples:

            %%lme                                     the data are found by their columns
            %%lme m2 --data study.frame --seed 1      a dotted name; the same draws each time
            %%lme ml --engine point --no-reml         maximum likelihood, as lme4 with REML = FALSE
            %%lme m3 --no-fit                         the model in mathematics and its priors only
        """
        if cell is None:
            return self._show(line)
        words = flags.read(self.lme.parser, line, _OPTIONS)  # type: ignore[attr-defined]
        namespace = self._namespace
        if words.name:
            session.check_name(words.name, namespace, words.force)
        fit = self._fit(words, cell)
        if words.name:
            namespace[words.name] = fit
        return fit

    @property
    def _namespace(self) -> dict[str, Any]:
        assert self.shell is not None
        return self.shell.user_ns

    def _fit(self, words: Namespace, text: str) -> Any:
        from .. import api

        family = words.family or None
        try:
            spec = lower(parse(text), family=family)
        except ProbflowError as error:
            raise error.within(text) from None
        engine, seed = self._engine(words), flags.whole("--seed", words.seed) if words.seed else self.seed
        data, arrays = self._data(words, spec)
        if words.no_fit:
            return api.prepare(text, data, arrays=arrays, family=family, name=words.name)
        progress = new_progress()
        try:
            self._await_backend(progress, spec, data, arrays)
            return api.lme(
                text,
                data,
                arrays=arrays,
                engine=engine,
                seed=seed,
                family=family,
                name=words.name,
                progress=progress,
            )
        except KeyboardInterrupt:
            raise EngineError(
                "The run was stopped before anything was known.", hint="Run the cell again to start over."
            ) from None
        finally:
            progress.close()

    def _engine(self, words: Namespace) -> Any:
        given = {option.field: getattr(words, option.field) for option in _OPTIONS}
        chosen = {field: value for field, value in given.items() if value is not None}
        return flags.build(words.engine or self.engine, chosen, ENGINES)

    def _data(self, words: Namespace, spec: ModelSpec | StatementSpec) -> tuple[Any, dict[str, Any]]:
        """Return the data and the arrays that the text names, and say where they come from."""
        if isinstance(spec, ModelSpec):
            needed, possible = used_columns(spec, response=True, groups=True, weights=True), []
        else:
            needed, possible = list(spec.rows), [*spec.open_names, *spec.indices]
        frame: session.Frame | None
        if words.data:
            frame = session.resolve(words.data, self._namespace)
            found = session.arrays([n for n in (*needed, *possible) if n.name not in frame.columns], self._namespace)
        else:
            frame, found = session.gather(needed, possible, self._namespace)
        said = [f"data: {frame.label}"] if frame is not None and not words.data else []
        said += [f"from the notebook: {', '.join(found)}"] if found else []
        if said:
            _say("; ".join(said))
        return (None if frame is None else frame.value), found

    def _show(self, line: str) -> Any:
        words = line.split()
        fits = session.fits(self._namespace)
        if not words:
            return listing(fits)
        if "~" in line or len(words) > 1 or words[0].startswith("-"):
            raise UsageError(
                "%lme with one percent sign takes one name, or none to list the models.",
                hint="To fit a model, begin the cell with %%lme and write the model below it.",
            )
        if words[0] not in dict(fits):
            known = ", ".join(name for name, _ in fits) or "none yet"
            raise UsageError(f'There is no model called "{words[0]}".', hint=f"The notebook's models: {known}.")
        return dict(fits)[words[0]]

    def _await_backend(
        self, progress: Progress, spec: ModelSpec | StatementSpec, data: Any, arrays: Mapping[str, Any]
    ) -> None:
        """Say that TensorFlow is still being loaded; a fault in the data is said at once, without it."""
        if self.loader is None or not self.loader.is_alive():
            return
        try:
            if isinstance(spec, ModelSpec):
                build(spec, with_arrays(spec, data, arrays))
            else:
                read_sources(spec, data, arrays)
        except ProbflowError as error:
            raise error.within(spec.source) from None
        while self.loader.is_alive():
            progress.show(Waiting("loading TensorFlow"))
            self.loader.join(0.1)


def _say(sentence: str) -> None:
    """Show one quiet line above the result."""
    shown = escape.html(sentence, 200)
    html = f'<div style="opacity:0.7;font-size:90%">{shown}</div>'
    display({"text/plain": sentence, "text/html": html}, raw=True)
