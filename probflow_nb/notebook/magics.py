"""The magics: `%%lme` reads a model from a cell and fits it, `%lme` lists the models of the notebook."""

from __future__ import annotations

import threading
from argparse import Namespace
from pathlib import Path
from typing import Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, kwds, magic_arguments
from traitlets import Bool, CaselessStrEnum, Enum, Int, Unicode

from ..design.encoding import used_columns
from ..display.progress import new_progress
from ..errors import EngineError, ProbflowError
from ..inference import ENGINES
from ..keep.cache import Cache, user_folder
from ..lang import parse
from ..spec.formula import lower
from ..spec.model_spec import ModelSpec
from ..spec.statement_spec import StatementSpec
from . import commands, flags, session
from .cell import cell_output
from .cell.awaiting import is_awaited, person_there
from .cell.order import Order
from .cell.shelf import shelf
from .cell.waiting_cell import WaitingCell
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

    engine = CaselessStrEnum(
        ("", *ENGINES), "", help="Engine of a fit that names none; empty lets the model decide."
    ).tag(config=True)
    seed = Int(None, allow_none=True, min=0, help="Seed of a fit that names none.").tag(config=True)
    device = Unicode("", help="Device of a fit that names none, such as GPU:0; empty lets TensorFlow decide.").tag(
        config=True
    )
    panel = Enum(
        ("auto", "always", "never"), "auto", help="When the panel is shown: auto is after 0.7 seconds of running."
    ).tag(config=True)
    cache = Unicode("", help="Folder of the fits that --cache keeps; empty is your own cache folder.").tag(config=True)
    cache_size = Int(1024, min=1, help="Megabytes that kept fits may take; those used longest ago go first.").tag(
        config=True
    )
    always_cache = Bool(False, help="Keep every fit, as --cache does; --no-cache for one that is made anew.").tag(
        config=True
    )
    preload = Bool(True, help="Load TensorFlow in the background when the extension is loaded.").tag(config=True)

    loader: threading.Thread | None = None

    def __init__(self, shell: Any = None, **words: Any) -> None:
        super().__init__(shell=shell, **words)
        self.once = cell_output.ShownOnce(shell)

    @no_var_expand
    @magic_arguments()
    @kwds(usage="%%lme [NAME] [--data DATA] [--engine ENGINE] [--seed N] [other flags, listed below]")
    @argument("name", nargs="?", default="", help="Variable that the fit is bound to; without it only _ is.")
    @argument("--data", metavar="DATA", default="", help="A data frame, a dotted name, or a built-in data set.")
    @argument("--engine", metavar="ENGINE", default="", help=f"How to fit: {', '.join(ENGINES)}.")
    @argument("--family", metavar="FAMILY", default="", help="Distribution of the response, such as gaussian.")
    @argument("--seed", metavar="N", default="", help="Seed of the random numbers: same seed, same draws.")
    @argument("--device", metavar="DEVICE", default="", help="Where to compute, such as GPU:0 or CPU.")
    @argument("--panel", action="store_true", help="Show the panel of the run at once, not only when it takes long.")
    @argument("--background", action="store_true", help="Return at once; whatever asks the fit anything waits for it.")
    @argument("--no-fit", action="store_true", help="Show the model and its priors, and do not fit it.")
    @argument("--cache", action="store_const", const=True, help="Keep the fit; the same cell shows it again at once.")
    @argument("--no-cache", dest="cache", action="store_const", const=False, help="Fit anew, and keep nothing.")
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

        A run that takes longer shows a panel: pause, stop and keep what there is, go on, another engine. The
        notebook's stop button stops it too, and keeps what there is.

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
            %%lme m3 --no-fit                         the model in mathematics and its priors, with a Start button
            %%lme m4 --engine nuts --background       the next cells run meanwhile; reading m4 waits for it
            %%lme m5 --device GPU:0 --panel           on that device, with its panel from the start
            %%lme m6 --cache                          kept: the same text and data are not fitted twice
        """
        awaited = is_awaited()
        if cell is None:
            return commands.answer(line, self.shell)
        words = flags.read(self.lme.parser, line, _OPTIONS)  # type: ignore[attr-defined]
        if words.name:
            session.check_name(words.name, self._namespace, words.force)
        order = self._order(words, cell)
        if awaited:
            return self._awaited(words, order)
        fit = self._found(order)
        if fit is None and words.background and not words.no_fit:
            return self._left(words, order)
        fit = self._blocking(words, order) if fit is None else fit
        if order.name:
            cell_output.close(name=order.name)
            self._namespace[order.name] = fit
        return fit

    @property
    def kept_fits(self) -> Cache:
        """The folder of kept fits."""
        folder = Path(self.cache).expanduser() if self.cache else user_folder()
        return Cache(folder, self.cache_size * 10**6)

    @property
    def _namespace(self) -> dict[str, Any]:
        assert self.shell is not None
        return self.shell.user_ns

    def _order(self, words: Namespace, text: str) -> Order:
        family = words.family or None
        try:
            spec = lower(parse(text), family=family)
        except ProbflowError as error:
            raise error.within(text) from None
        engine, seed = self._engine(words), flags.whole("--seed", words.seed) if words.seed else self.seed
        data, arrays = self._data(words, spec)
        device = words.device or self.device
        kept = None
        if (self.always_cache if words.cache is None else words.cache) and not words.no_fit:
            kept = shelf(self.kept_fits, text, data, arrays, engine, seed, family, device, commands.say)
        return Order(text, spec, data, arrays, family, engine, seed, device, words.name, self.loader, kept)

    def _found(self, order: Order) -> Any:
        """Return the fit of an order that was kept, None where there is none."""
        return None if order.shelf is None else order.shelf.find(order.name, commands.say)

    def _blocking(self, words: Namespace, order: Order) -> Any:
        progress = new_progress()
        try:
            if words.no_fit:
                return order.prepare(lambda phase: progress.show(Waiting(phase)))
            order.await_backend(lambda phase: progress.show(Waiting(phase)))
            fit = order.fit(progress)
            said = "" if order.shelf is None else order.shelf.keep(fit)
            if said:
                commands.say(said)
            return fit
        except KeyboardInterrupt:
            raise EngineError(
                "The run was stopped before anything was known.", hint="Run the cell again to start over."
            ) from None
        finally:
            progress.close()

    async def _awaited(self, words: Namespace, order: Order) -> Any:
        """Answer a cell that is awaited, so that the kernel hears its panel meanwhile."""
        if words.no_fit:
            model = self._blocking(words, order)
            return self._cell(words, order).unfitted(model)
        found = self._found(order)
        if found is not None:
            return self._cell(words, order).found(found)
        if words.background:
            return self._left(words, order)
        return await self._cell(words, order).fitted()

    def _left(self, words: Namespace, order: Order) -> Any:
        return self._cell(words, order).left(
            widgets=person_there(self.shell), kernel=getattr(self.shell, "kernel", None) is not None
        )

    def _cell(self, words: Namespace, order: Order) -> WaitingCell:
        return WaitingCell(self.shell, order, "always" if words.panel else self.panel, self.once)

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
            commands.say("; ".join(said))
        return (None if frame is None else frame.value), found
