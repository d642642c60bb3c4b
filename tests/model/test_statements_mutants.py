"""Mutants of valid statements end in one of our sentences, or in the log density that the text says."""

from __future__ import annotations

import ast
import math
import random
import re
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from probflow_nb import api
from probflow_nb.errors import ProbflowError
from probflow_nb.lang import parse
from probflow_nb.model.model import Model
from probflow_nb.model.statement_data import checked_arrays
from probflow_nb.model.statements import program
from probflow_nb.predict.values import mixed_quantities
from probflow_nb.spec.formula import lower
from probflow_nb.spec.model_spec import ModelSpec

N = 9
RNG = np.random.default_rng(5)
DATA = pd.DataFrame(
    {
        "y": RNG.normal(size=N),
        "x": RNG.normal(size=N),
        "v": RNG.normal(size=N) + 2,
        "k": RNG.poisson(2, N),
        "g": list("aabbccabc"),
    }
)
ARRAYS = {"A": RNG.normal(size=(N, 2)), "B": RNG.normal(size=(N, 3)), "c": 2.5}
TEXTS = [
    "X = design(1 + x)\nZ = indicators(g)\nw ~ Normal(0, 3)\ntau ~ HalfNormal(2)\nu ~ Normal(0, tau)\n"
    "sigma ~ HalfNormal(2)\ny ~ Normal(X @ w + Z @ u, sigma)",
    "w ~ Normal(1, 3)\nq ~ Normal(0, 2)\nsigma ~ Exponential(2)\ny ~ Normal(A @ w + B @ q - x / 2, sigma)",
    "a ~ Normal(0, 1)\ne ~ Normal(a, 2)\nm = a + e * x - 3 * v\nsigma ~ Gamma(2, 1)\ny ~ StudentT(4, m, sigma * c)",
    "w ~ StudentT(3, 0, 1)\nZ = indicators(g)\ns ~ HalfCauchy(1)\nu ~ Normal(0, s)\nk ~ Poisson(log = A @ w + Z @ u)",
]
WORDS = [
    *"+-*/()@~=,|#", "**", "x", "y", "g", "w", "u", "sigma", "tau", "A", "B", "X", "Z", "1", "0", "0.5", "Normal",
    "HalfNormal", "StudentT", "Poisson", "exp", "log", "design", "indicators", "by", "c", "\n", "k",
]  # fmt: skip
TOKEN = re.compile(r"[A-Za-z_]\w*|\d+\.?\d*|\*\*|\S|\s")
MUTANTS = 250


class UnclearError(Exception):
    """The evaluator below does not know this."""


def mutant(text: str, rng: random.Random) -> str:
    by_line = rng.random() < 0.3
    parts = text.split("\n") if by_line else TOKEN.findall(text)
    i, j = rng.randrange(len(parts)), rng.randrange(len(parts))
    how = rng.choice(["delete", "duplicate", "swap", "replace"])
    if how == "delete":
        del parts[i]
    elif how == "duplicate":
        parts.insert(j if by_line else i, parts[i])
    elif how == "swap":
        parts[i], parts[j] = parts[j], parts[i]
    else:
        parts[i] = rng.choice(WORDS)
    return ("\n" if by_line else "").join(parts)


def design(text: str) -> np.ndarray:
    terms = [term.strip() for term in text.split("+")]
    columns = [] if "0" in terms else [np.ones(N)]
    for term in dict.fromkeys(t for t in terms if t not in ("0", "1")):
        if term not in ("x", "v", "k"):
            raise UnclearError
        columns.append(DATA[term].to_numpy(float))
    return np.column_stack(columns)


class Reader:
    """Evaluates statements by Python's own grammar and numpy."""

    def __init__(self, text: str, values: dict[str, np.ndarray]) -> None:
        lines = [line.split("#")[0].strip() for line in text.split("\n")]
        self.priors = [line.split("~", 1) for line in lines if "~" in line]
        self.definitions = {
            name.strip(): said.strip()
            for name, said in (line.split("=", 1) for line in lines if "=" in line and "~" not in line)
        }
        columns = {name: DATA[name].to_numpy(float) for name in "yxvk"}
        self.known = {**columns, **{k: np.asarray(v) for k, v in ARRAYS.items()}, **values}

    def value(self, text: str) -> Any:
        text = text.strip()
        if found := re.fullmatch(r"design\(([^()]*)\)", text):
            return design(found.group(1))
        if re.fullmatch(r"indicators\(\s*g\s*\)", text):
            return pd.get_dummies(DATA["g"]).to_numpy(float)
        return self.node(ast.parse(text, mode="eval").body)

    def node(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=number):
                return float(number)
            case ast.Name(id=name):
                return self.known[name] if name in self.known else self.value(self.definitions[name])
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return -self.node(inner)
            case ast.BinOp(left=left, op=sign, right=right):
                a, b = self.node(left), self.node(right)
                apply = {
                    "Add": lambda: a + b, "Sub": lambda: a - b, "Mult": lambda: a * b, "Div": lambda: a / b,
                    "Pow": lambda: a**b, "MatMult": lambda: a @ b,
                }  # fmt: skip
                return apply[type(sign).__name__]()
            case ast.Call(func=ast.Name(id="exp" | "log" as name), args=[inner]):
                return getattr(np, name)(self.node(inner))
        raise UnclearError

    def density(self, name: str, value: np.ndarray, call: ast.Call) -> np.ndarray:
        a = [self.node(argument) for argument in call.args]
        if name == "Poisson":
            return stats.poisson.logpmf(value, np.exp(self.node(call.keywords[0].value)) if call.keywords else a[0])
        if call.keywords:
            raise UnclearError
        known = {
            "Normal": lambda m=0, s=1: stats.norm.logpdf(value, m, s),
            "HalfNormal": lambda s=1: stats.halfnorm.logpdf(value, scale=s),
            "Exponential": lambda r=1: stats.expon.logpdf(value, scale=1 / r),
            "Gamma": lambda a, b: stats.gamma.logpdf(value, a, scale=1 / b),
            "StudentT": lambda df, m=0, s=1: stats.t.logpdf(value, df, m, s),
            "HalfCauchy": lambda s=1: stats.halfcauchy.logpdf(value, scale=s),
        }
        return known[name](*a)

    def log_joint(self) -> float:
        total = 0.0
        for left, right in self.priors:
            call = ast.parse(right.strip(), mode="eval").body
            if isinstance(call, ast.Name):
                call = ast.Call(call, [], [])
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
                raise UnclearError
            value = self.known[left.strip()]
            found = self.density(call.func.id, value, call)
            # Anything else would be a likelihood of every row at every other.
            assert np.size(found) == np.size(value)
            total += float(np.sum(found))
        return total


def mixed_values(model: Model, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the values of a recognised mixed model, whose letters are the person's."""
    return {q.name: np.reshape(values[q.shown], q.shape) for q in mixed_quantities(model)}


def test_mutants_mean_what_they_say_or_end_in_a_sentence() -> None:
    rng = random.Random(11)
    mutants = dict.fromkeys([*TEXTS, *(mutant(rng.choice(TEXTS), rng) for _ in range(MUTANTS))])
    agreed = {"mixed": 0, "program": 0}
    unclear = 0
    for text in mutants:
        try:
            model = api.prepare(text, DATA, arrays=ARRAYS).model
            spec = lower(parse(text))
            statements = spec.statements if isinstance(spec, ModelSpec) else spec
            if statements is None:
                continue
            general = program(statements, DATA, checked_arrays(ARRAYS))
            values = {name: value[0] for name, value in general.prior_sample(1, 3).items()}
        except ProbflowError:
            continue
        try:
            expected = Reader(text, values).log_joint()
        except (UnclearError, SyntaxError, ValueError, KeyError):
            unclear += 1
            continue
        assert math.isclose(float(general.log_joint(values)), expected, rel_tol=1e-8), text
        kind = "mixed" if isinstance(model, Model) else "program"
        if isinstance(model, Model):
            found = float(model.log_joint(mixed_values(model, values)))
            assert math.isclose(found, expected, rel_tol=1e-8), text
        agreed[kind] += 1
    assert agreed["mixed"] >= 5
    assert agreed["program"] >= 20
    assert unclear <= 10
