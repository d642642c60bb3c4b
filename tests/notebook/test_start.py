"""What loading costs: which libraries are in memory afterwards, and how long it takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

SLOW = ("tensorflow", "matplotlib", "pandas", "scipy", "formulaic", "narwhals", "polars", "pyarrow")

IMPORT = """
import json, sys
import probflow_nb
probflow_nb.ParseError, dir(probflow_nb)
print(json.dumps(sorted(sys.modules)))
"""

LOAD = """
import json, sys, time
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
config = Config()
config.LmeMagics.preload = False
config.HistoryManager.enabled = False
ip = InteractiveShell.instance(config=config)
before = set(sys.modules)
start = time.process_time()
ip.run_line_magic("load_ext", "probflow_nb")
seconds = time.process_time() - start
assert ip.find_cell_magic("lme")
print(json.dumps([sorted(set(sys.modules) - before), seconds]))
"""

PRELOAD = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
config = Config()
config.HistoryManager.enabled = False
ip = InteractiveShell.instance(config=config)
ip.run_line_magic("load_ext", "probflow_nb")
(magics,) = [c for c in ip.configurables if type(c).__name__ == "LmeMagics"]
early = hasattr(sys.modules.get("tensorflow"), "linalg")
magics.loader.join()
print(json.dumps([early, hasattr(sys.modules["tensorflow"], "linalg"), "matplotlib.figure" in sys.modules]))
"""


def answer(program: str, **environment: str) -> tuple[object, str]:
    """Run a program in a fresh Python; return its JSON answer and what it wrote on stderr."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
        env={**os.environ, **environment},
    )
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


def test_import_brings_no_large_library():
    modules, _ = answer(IMPORT)
    assert [name for name in SLOW if name in modules] == []
    assert "IPython" not in modules


def test_load_ext_brings_no_large_library_and_is_quick(tmp_path: Path):
    # As on a person's second day: byte code is at hand, even where the environment forbids Python to keep any.
    kept = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path)}
    answer(LOAD, **kept)
    (modules, seconds), _ = answer(LOAD, **kept)
    assert [name for name in SLOW if name in modules] == []
    # The figure to keep is 0.3 s on a quiet machine; CPU time on a slow one is given room.
    assert seconds < 0.9


def test_tensorflow_and_matplotlib_come_in_the_background_without_a_word():
    (early, late, figures), noise = answer(PRELOAD)
    assert (early, late, figures) == (False, True, True)
    assert noise == ""
