"""TensorFlow behind one small contract: loaded once, quietly, on first use or ahead of time in the background."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from ..errors import EngineError

_LOCK = threading.Lock()


def load() -> Any:
    """Return the tensorflow module, importing it without its start-up log lines on the first call.

    Raises EngineError when TensorFlow is missing; what it wrote on stderr is shown again when its import fails.
    """
    module = sys.modules.get("tensorflow")
    if module is not None and hasattr(module, "linalg"):
        return module
    with _LOCK:
        if find_spec("tensorflow") is None:
            raise EngineError("TensorFlow is not installed.", hint="Install it: pip install tensorflow")
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        # Compiled loops are made of kernels of microseconds: handing them to other threads costs a fifth more CPU.
        os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
        with _quiet_stderr():
            import tensorflow as tf

            # The first op starts the runtime, which writes log lines of its own.
            tf.constant(0.0)
        return tf


def preload() -> threading.Thread:
    """Start importing TensorFlow in a daemon thread and return the thread."""
    thread = threading.Thread(target=_load_quietly, name="probflow-preload", daemon=True)
    thread.start()
    return thread


def _load_quietly() -> None:
    # The person's first fit raises the same error again, in a place where it can be read.
    with contextlib.suppress(EngineError, ImportError):
        load()


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Hold back what native code writes to file descriptor 2; let it out if the body raises."""
    try:
        saved = os.dup(2)
    except OSError:
        yield
        return
    import tempfile

    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(saved, 2)
            held.seek(0)
            os.write(2, held.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)
