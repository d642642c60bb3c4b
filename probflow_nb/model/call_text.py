"""Call text: the response of a person's code in one line, for people to read; the code itself is what counts."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

_LONGEST = 120


def response_text(call: Callable[..., Any]) -> str:
    """Return what a function returns, as in `Normal(X @ w + Z @ u, sigma)`; "" when its source cannot be read.

    `self.w()` is shown as `w` and `pf.Normal` as `Normal`. The source is read, never run.
    """
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(call)))
    except (OSError, TypeError, SyntaxError, ValueError):
        return ""
    returned = [node.value for node in ast.walk(tree) if isinstance(node, ast.Return) and node.value is not None]
    if len(returned) != 1 or not isinstance(returned[0], ast.Call):
        return ""
    receiver = _receiver(tree)
    shown = ast.unparse(ast.fix_missing_locations(_Shorter(receiver).visit(returned[0])))
    return shown if len(shown) <= _LONGEST else f"{shown.partition('(')[0]}(...)"


def _receiver(tree: ast.AST) -> str:
    """Return the name of the first argument, "self" by habit."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.args.args:
            return node.args.args[0].arg
    return "self"


class _Shorter(ast.NodeTransformer):
    """Leaves out `self.`, the brackets of a parameter, and the module in front of a distribution."""

    def __init__(self, receiver: str) -> None:
        self.receiver = receiver

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Show `self.w()` as `w`."""
        own = isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)
        if own and not node.args and not node.keywords:
            assert isinstance(node.func, ast.Attribute)
            return self.visit(node.func)  # type: ignore[no-any-return]
        return self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """Show `self.w` and `pf.Normal` by their last part."""
        if isinstance(node.value, ast.Name) and (node.value.id == self.receiver or node.attr[:1].isupper()):
            return ast.Name(node.attr, ast.Load())
        return self.generic_visit(node)
