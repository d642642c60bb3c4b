"""Compiled programs, kept by what they compute, so that a second fit of the same shape compiles nothing."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

from .devices import current
from .tensorflow import load

# Compiled programs kept; each holds some megabytes.
_MOST = 64
_KEPT: OrderedDict[Hashable, Any] = OrderedDict()
_LOCK = threading.Lock()
# One for every program that is being made, so that who wants the same one waits for it and makes no second.
_MAKING: dict[Hashable, threading.Lock] = {}


def fingerprint(functions: tuple[Callable[..., Any], ...], arguments: tuple[Any, ...]) -> str:
    """Return a text that is the same for functions that compute the same from arguments of the same shapes.

    functions: of tensors, all called with the same arguments. arguments: tensors, or dictionaries of tensors.
    The functions are traced, not run; the graphs and the values of all tensors that they hold are hashed, so that a
    number which differs, in an attribute or a closure, makes a different text.
    """
    tf = load()

    def together(*given: Any) -> list[Any]:
        return [function(*given) for function in functions]

    graph = tf.function(together, autograph=False).get_concrete_function(*arguments).graph
    found = hashlib.sha256(graph.as_graph_def().SerializeToString(deterministic=True))
    # The keys of dictionaries are no part of the graph, but what is compiled takes no others.
    found.update(repr(tf.nest.map_structure(lambda _: 0, arguments)).encode())
    for external, _ in graph.captures:
        found.update(external.numpy().tobytes())
    return found.hexdigest()


def kept(key: Hashable, make: Callable[[], Any]) -> Any:
    """Return the program of a key, made at its first use; the least recently used one goes when there are too many.

    A program is traced for the device in force and computes there wherever it is called, so each has its own. Threads
    that want the same program at once get the one that the first of them makes; if that fails, the next one tries.
    `make` must not ask for its own key.
    """
    key = (current(), key)
    with _LOCK:
        if key in _KEPT:
            _KEPT.move_to_end(key)
            return _KEPT[key]
        making = _MAKING.setdefault(key, threading.Lock())
    with making:
        with _LOCK:
            if key in _KEPT:
                return _KEPT[key]
        try:
            program = make()
            with _LOCK:
                _KEPT[key] = program
                while len(_KEPT) > _MOST:
                    _KEPT.popitem(last=False)
        finally:
            with _LOCK:
                _MAKING.pop(key, None)
        return program
