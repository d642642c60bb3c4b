"""The floor table and the laws of the package, read from its source; nothing is imported to check them."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "probflow_nb"
NAME = "probflow_nb"

# Each floor and those that it may import from besides itself; what they may import, it may too.
FLOORS: dict[str, tuple[str, ...]] = {
    "errors": (),
    "datasets": ("errors",),
    "lang": ("errors",),
    "spec": ("lang",),
    "design": ("spec",),
    "backend": ("errors",),
    "posterior": ("errors",),
    "objects": ("spec", "backend"),
    "model": ("spec", "design", "objects"),
    "inference": ("model", "posterior"),
    "display": ("posterior",),
    "predict": ("inference", "display", "datasets"),
    "keep": ("predict",),
    "fit": ("keep",),
    "api": ("fit",),
    "plan": ("api",),
    "user_model": ("plan",),
    "notebook": ("user_model",),
}

# Libraries that only some floors may import at all, lazily or not.
HOMES: dict[str, tuple[str, ...]] = {
    "IPython": ("notebook",),
    "ipywidgets": ("notebook",),
    "anywidget": ("notebook",),
    "ipykernel": ("notebook",),
    "tensorflow": ("backend", "objects", "model", "inference"),
    "matplotlib": ("display",),
}

# Libraries whose import is slow: inside functions only, so that `import probflow_nb` stays fast.
SLOW = ("arviz", "formulaic", "matplotlib", "narwhals", "pandas", "scipy", "tensorflow")

EMPTY_NAMES = ("utils", "util", "helpers", "helper", "common", "misc")
MOST_LINES = 450


@dataclass(frozen=True)
class Import:
    """One import: dotted module, line, whether it runs when the file loads, whether it is only for types."""

    module: str
    line: int
    eager: bool
    typing_only: bool


def below(floor: str) -> set[str]:
    """Return all floors that a floor may import from, itself included."""
    found = {floor}
    for lower in FLOORS[floor]:
        found |= below(lower)
    return found


def floor_of(path: Path, root: Path) -> str:
    """Return the floor of a file; the package's own `__init__` stands above all of them and is ''."""
    first = path.relative_to(root).parts[0]
    return "" if first == "__init__.py" else first.removesuffix(".py")


def is_typing_guard(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def imports(path: Path, root: Path) -> Iterator[Import]:
    """Yield every import of a file, wherever it stands, with relative names made absolute."""
    package = (NAME, *path.relative_to(root).parent.parts)

    def modules(node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            stem = ".".join([*base, *([node.module] if node.module else [])])
            # `from .. import design` names a floor in the alias; `from ..design import X` in the module.
            yield from (f"{stem}.{alias.name}" for alias in node.names)

    def walk(node: ast.AST, eager: bool, typing_only: bool) -> Iterator[Import]:
        for module in modules(node):
            yield Import(module, getattr(node, "lineno", 0), eager and not typing_only, typing_only)
        lazy = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        guarded = typing_only or is_typing_guard(node)
        for child in ast.iter_child_nodes(node):
            in_else = isinstance(node, ast.If) and child in node.orelse
            yield from walk(child, eager and not lazy, typing_only if in_else else guarded)

    yield from walk(ast.parse(path.read_text(encoding="utf-8")), True, False)


def import_faults(path: Path, root: Path) -> Iterator[str]:
    """Yield what a file imports and must not."""
    floor, where = floor_of(path, root), path.relative_to(root)
    for found in imports(path, root):
        parts = found.module.split(".")
        at = f"{where}:{found.line}"
        if parts[0] == NAME:
            target = parts[1] if len(parts) > 1 and parts[1] in FLOORS else ""
            if floor and floor != "notebook" and target not in below(floor):
                yield f"{at}: {floor} imports {target or 'the package itself'}"
        home = HOMES.get(parts[0])
        # A figure may be named as a return type above display; only display may make one.
        if home and floor not in home and not (parts[0] == "matplotlib" and found.typing_only):
            yield f"{at}: {parts[0]} belongs to {', '.join(home)}"
        if parts[0] in SLOW and found.eager:
            yield f"{at}: {parts[0]} is imported when the module loads"


def text_faults(path: Path, root: Path) -> Iterator[str]:
    """Yield what a file is called or holds and must not."""
    floor, where = floor_of(path, root), path.relative_to(root)
    source = path.read_text(encoding="utf-8")
    if set(where.with_suffix("").parts) & set(EMPTY_NAMES):
        yield f"{where}: the name says nothing"
    if (lines := source.count("\n")) > MOST_LINES:
        yield f"{where}: {lines} lines"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "print" and floor != "display":
                yield f"{where}:{node.lineno}: print"
            if node.func.id in ("eval", "exec", "compile", "__import__"):
                yield f"{where}:{node.lineno}: {node.func.id}"
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            yield f"{where}:{node.lineno}: bare except"


def faults(root: Path) -> list[str]:
    """Return every broken law of a package folder, one sentence each."""
    found = []
    for path in sorted(root.rglob("*.py")):
        floor = floor_of(path, root)
        if floor and floor not in FLOORS:
            found.append(f"{path.relative_to(root)}: {floor} is on no floor")
            continue
        found += [*import_faults(path, root), *text_faults(path, root)]
    return found


def test_the_package_keeps_its_floors_and_laws() -> None:
    assert faults(PACKAGE) == []


def test_the_checker_read_the_whole_package() -> None:
    files = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in PACKAGE.rglob("*.py")}
    assert {"errors", "lang", "spec", "design", "backend", "posterior", "model", "inference"} <= files
    internal = [i for p in PACKAGE.rglob("*.py") for i in imports(p, PACKAGE) if i.module.startswith(NAME)]
    assert len(internal) > 20


def test_the_docstring_draws_the_same_floors() -> None:
    text = ast.get_docstring(ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))) or ""
    table = dict(re.findall(r"^ {4}([a-z_]+)(?:, [a-z]+)? .*<- (.*)$", text, flags=re.MULTILINE))
    tops = ("predict", "keep", "fit", "api", "plan", "user_model")
    assert {table.pop(floor) for floor in tops} == {"all of the above"}
    assert table.pop("datasets") == "nothing"
    assert table.pop("errors") == "nothing"
    drawn = {floor: tuple(lower.split()) for floor, lower in table.items()}
    expected = {f: FLOORS[f] for f in FLOORS if f not in ("errors", "datasets", *tops)}
    assert drawn == expected


def test_the_floors_have_no_cycle() -> None:
    for floor in FLOORS:
        assert all(floor not in below(lower) for lower in FLOORS[floor])


OFFENDERS = {
    "upward": ("lang/a.py", "from ..spec import terms", "lang imports spec"),
    "upward by alias": ("lang/a.py", "from .. import spec", "lang imports spec"),
    "upward, absolute": ("lang/a.py", "import probflow_nb.design.group", "lang imports design"),
    "upward, from a subfolder": ("lang/deep/a.py", "from ...model import x", "lang imports model"),
    "upward, in a function": ("spec/a.py", "def f():\n    from ..api import lme", "spec imports api"),
    "upward, for types": (
        "spec/a.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..fit import Fit",
        "spec imports fit",
    ),
    "sideways": ("display/a.py", "from ..design.group import GroupBlock", "display imports design"),
    "the package itself": ("model/a.py", "from .. import __version__", "model imports the package itself"),
    "Jupyter below": ("display/a.py", "def f():\n    import IPython.display", "IPython belongs to notebook"),
    "widgets below": (
        "fit.py",
        "def f():\n    from ipywidgets import HTML",
        "ipywidgets belongs to notebook",
    ),
    "TensorFlow above": ("fit.py", "def f():\n    import tensorflow as tf", "tensorflow belongs to"),
    "pictures below": ("posterior/a.py", "def f():\n    import matplotlib", "matplotlib belongs to display"),
    "eager": ("design/a.py", "from pandas import DataFrame", "pandas is imported when the module loads"),
    "eager in a class": ("design/a.py", "class A:\n    import scipy.linalg", "scipy is imported when"),
    "eager in try": (
        "design/a.py",
        "try:\n    import narwhals\nexcept ImportError:\n    pass",
        "narwhals is",
    ),
    "eager at home": ("backend/a.py", "import tensorflow as tf", "tensorflow is imported when"),
    "eager beside types": (
        "design/a.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    x = 1\nelse:\n    import pandas",
        "pandas is imported when",
    ),
    "empty name": ("design/utils.py", "x = 1", "the name says nothing"),
    "empty folder name": ("design/helpers/a.py", "x = 1", "the name says nothing"),
    "long": ("design/a.py", "x = 1\n" * 451, "451 lines"),
    "print": ("model/a.py", "def f():\n    print(1)", "a.py:2: print"),
    "eval": ("spec/a.py", "eval('1')", "a.py:1: eval"),
    "bare except": ("spec/a.py", "try:\n    x = 1\nexcept:\n    pass", "bare except"),
    "no floor": ("elsewhere/a.py", "x = 1", "elsewhere is on no floor"),
}


@pytest.mark.parametrize("name", OFFENDERS)
def test_the_checker_flags_an_offender(name: str, tmp_path: Path) -> None:
    where, source, expected = OFFENDERS[name]
    path = tmp_path / where
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding="utf-8")
    found = faults(tmp_path)
    assert len(found) == 1
    assert expected in found[0]


def test_the_checker_lets_the_allowed_pass(tmp_path: Path) -> None:
    allowed = {
        "__init__.py": "from .api import lme",
        "errors.py": "import numpy as np",
        "design/a.py": "from ..lang.tree import Node\nfrom ..errors import DataError\nfrom . import b",
        "design/b.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pandas as pd",
        "inference/a.py": "from ..design.design import Design\ndef f():\n    import tensorflow as tf",
        "display/a.py": "def f():\n    import matplotlib.figure\n    print(1)",
        "fit.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import matplotlib.figure",
        "notebook/a.py": "from IPython.core.magic import Magics\nfrom .. import api, __version__",
    }
    for where, source in allowed.items():
        (tmp_path / where).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / where).write_text(source, encoding="utf-8")
    assert faults(tmp_path) == []


@pytest.mark.parametrize(
    "statement",
    [
        "import probflow_nb",
        "import probflow_nb.lang, probflow_nb.spec, probflow_nb.design, probflow_nb.posterior",
    ],
)
def test_the_import_is_fast_and_loads_nothing_slow(statement: str) -> None:
    code = (
        "import numpy, sys, time; start = time.process_time()\n"
        f"{statement}\n"
        "cost = time.process_time() - start\n"
        f"slow = [name for name in {(*SLOW, *HOMES)!r} if name in sys.modules]\n"
        "assert not slow, slow\n"
        "assert cost < 0.3, cost\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
