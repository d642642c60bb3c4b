"""Cache: a folder of kept fits, each under the name of its contents, so that the same fit is never made twice.

Several kernels may use one folder at once: a file comes into being whole or not at all, two kernels that write the same
fit write the same file, and one that is gone meanwhile was never there. A file that cannot be read is passed over.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import KeepError
from .archive import open_archive
from .kept import Kept, read, write
from .record import Record

_NAME = re.compile(r"[0-9a-f]{64}\.fit")
# What a kernel that was killed left behind while it wrote.
_FRAGMENT = re.compile(r"\.[0-9a-f]{1,60}(\.fit)?\.[0-9a-f]{16}")
_ABANDONED = 3600.0  # seconds after which a file that is being written is nobody's any more


@dataclass(frozen=True)
class Entry:
    """One kept fit: its file, its size in bytes, when it was made and when it was used last (seconds since 1970)."""

    path: Path
    size: int
    made: float
    used: float


@dataclass(frozen=True)
class About:
    """What a kept fit says of itself at a glance: its text, its engine, its rows, its name."""

    text: str
    engine: str
    rows: int
    name: str


@dataclass(frozen=True)
class Cache:
    """A folder of kept fits.

    folder: made when the first fit is put there, for its owner alone. most: bytes that all fits may take together.
    """

    folder: Path
    most: int = 2**30

    def get(self, key: str) -> tuple[Kept, float] | None:
        """Return the fit of a fingerprint and when it was made (seconds since 1970), None where there is none.

        Raises KeepError for a file that cannot be read, which is taken away so that the next fit takes its place.
        """
        path = self._path(key)
        if not path.is_file():
            return None
        try:
            found = read(path)
        except KeepError:
            with contextlib.suppress(OSError):
                path.unlink()
            raise
        made = time.time()
        with contextlib.suppress(OSError):
            made = path.stat().st_mtime
            os.utime(path, (time.time(), made))  # what was used last is kept longest
        return found, made

    def put(self, key: str, kept: Kept) -> None:
        """Keep a fit, and throw out those that were not used for longest where all take too much room.

        Raises KeepError where the fit or the folder cannot be written.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise KeepError(
                f"The folder {os.fspath(self.folder)!r:.200} cannot be made: {error.strerror}.",
                hint='Name another one: %config LmeMagics.cache = "..."',
            ) from None
        path = write(kept, self._path(key))
        self._bound(path)

    def entries(self) -> tuple[Entry, ...]:
        """Return every kept fit, the one used last first; none where there is no folder."""
        found = []
        for path, status in self._files(_NAME):
            found.append(Entry(path, status.st_size, status.st_mtime, max(status.st_atime, status.st_mtime)))
        return tuple(sorted(found, key=lambda entry: -entry.used))

    def clear(self) -> tuple[int, int]:
        """Take all kept fits away, and nothing else; return how many there were and their bytes."""
        gone = [entry for entry in self.entries() if _removed(entry.path)]
        return len(gone), sum(entry.size for entry in gone)

    def _path(self, key: str) -> Path:
        name = f"{key}.fit"
        if not _NAME.fullmatch(name):
            raise KeepError(f"{key!r:.80} is no fingerprint of a fit.")
        return self.folder / name

    def _files(self, pattern: re.Pattern[str]) -> list[tuple[Path, os.stat_result]]:
        found = []
        with contextlib.suppress(OSError), os.scandir(self.folder) as inside:
            for one in inside:
                with contextlib.suppress(OSError):  # another kernel took it away meanwhile
                    if pattern.fullmatch(one.name) and one.is_file(follow_symlinks=False):
                        found.append((Path(one.path), one.stat(follow_symlinks=False)))
        return found

    def _bound(self, newest: Path) -> None:
        total = 0
        for entry in self.entries():
            total += entry.size
            if total > self.most and entry.path != newest:
                _removed(entry.path)
        for path, status in self._files(_FRAGMENT):
            if time.time() - status.st_mtime > _ABANDONED:
                _removed(path)


def about(path: Path) -> About:
    """Return what a kept fit says of itself, its numbers unread; KeepError for a file that holds none."""
    with _unused(path), open_archive(path) as archive:
        page = Record(archive.page, archive)
        model, engine, run = page.record("model"), page.record("engine"), page.record("run")
        statements = model.text("kind") == "statements"
        rows = model.record("sources").whole("n", 1) if statements else model.whole("n", 1)
        return About(model.text("text"), engine.text("name"), rows, run.text("name"))


@contextlib.contextmanager
def _unused(path: Path) -> Iterator[None]:
    """Look into a file without its counting as used."""
    before = None
    with contextlib.suppress(OSError):
        before = path.stat()
    yield
    if before is not None:
        with contextlib.suppress(OSError):
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def user_folder() -> Path:
    """Return the folder for kept fits where the platform keeps what programs can make again.

    `XDG_CACHE_HOME` or `~/.cache` on Linux, `~/Library/Caches` on macOS, `%LOCALAPPDATA%` on Windows.
    """
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        named = os.environ.get("XDG_CACHE_HOME", "")
        base = Path(named) if os.path.isabs(named) else home / ".cache"
    return base / "probflow_nb" / "fits"


def _removed(path: Path) -> bool:
    """Take a file away; return whether it was this call that did."""
    try:
        path.unlink()
    except OSError:
        return False
    return True
