"""Archive: one file of named arrays and a page of JSON, an uncompressed zip that numpy.load can open too.

Nothing in it is ever run: the JSON is read by `json`, arrays by their bytes, and the line that says their type and
shape by a pattern. Nothing is compressed, so that no file can ask for more memory than it is long.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import re
import secrets
import struct
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..errors import KeepError

FORMAT = 1
KIND = "probflow_nb fit"
# Bytes of a file, of its page of JSON, and of its list of members; and how many members it may have.
MOST_BYTES = 2**31
MOST_JSON = 2**23
_MOST_LISTED = 2**20
_MOST_MEMBERS = 4096
_PAGE = "fit.json"
_MEMBER = re.compile(r"[a-z0-9_]{1,60}\.npy")
_TYPES = ("<f2", "<f4", "<f8", "|b1", "|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4", "<u8")
_HEADER = re.compile(rb"\{'descr': '([<|][a-z][0-9])', 'fortran_order': False, 'shape': \(([0-9, ]{0,200})\), \} *\n")
_MAGIC = b"\x93NUMPY\x01\x00"
# The last record of a zip without a comment: four numbers of disks, the members' count twice, size and place of the
# list, and the length of the comment.
_END = struct.Struct("<4s4H2LH")
# The one moment that every member bears, so that the same fit makes the same file.
_MOMENT = (1980, 1, 1, 0, 0, 0)
_BROKEN = (
    zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, OSError, OverflowError, struct.error
)  # fmt: skip


def damaged(what: str) -> KeepError:
    """Return the error of a file that was a fit and is one no more."""
    return KeepError(f"The file is damaged: {what}.", hint="Save the fit again, or fetch the file again.")


def foreign(what: str) -> KeepError:
    """Return the error of a file that never was a fit."""
    return KeepError(f"The file holds no kept fit: {what}.", hint="pf.load reads what fit.save(path) has written.")


# Writing -------------------------------------------------------------------------------------------------------------


def write_archive(path: Path, page: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write a page of JSON and arrays to a file, whole or not at all: a file of that name stays until it is done.

    Raises KeepError where they are too large for one file, or where the file cannot be written.
    """
    text = json.dumps(page, allow_nan=False, ensure_ascii=True).encode()
    size = len(text) + sum(array.nbytes + 200 for array in arrays.values())
    if size > MOST_BYTES or len(text) > MOST_JSON or len(arrays) >= _MOST_MEMBERS:
        raise KeepError(
            f"The fit takes {size / 2**30:,.1f} GB, which is too large for one file.",
            hint="Fit with fewer draws, or keep posterior_sample() of what is needed.",
        )
    with _replaced(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=False) as members:
        members.writestr(_member(_PAGE), text)
        for name, array in arrays.items():
            with members.open(_member(f"{name}.npy"), "w") as member:
                member.write(_header(array))
                member.write(_bytes(array))


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, _MOMENT)
    member.external_attr = 0o644 << 16
    return member


def _bytes(array: np.ndarray) -> memoryview:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _header(array: np.ndarray) -> bytes:
    """Return the first bytes of an .npy file, version 1.0, padded to a multiple of 64."""
    if array.dtype.str not in _TYPES:
        raise KeepError(f"An array of the type {array.dtype} cannot be kept.")
    shape = ", ".join(map(str, array.shape)) + ("," if array.ndim == 1 else "")
    line = f"{{'descr': '{array.dtype.str}', 'fortran_order': False, 'shape': ({shape}), }}".encode()
    line += b" " * (-(len(_MAGIC) + 2 + len(line) + 1) % 64) + b"\n"
    return _MAGIC + struct.pack("<H", len(line)) + line


@contextlib.contextmanager
def _replaced(path: Path) -> Iterator[IO[bytes]]:
    """Open a new file beside the path that takes its place at the end, or vanishes where anything fails."""
    target = Path(os.path.realpath(path))
    fresh = target.with_name(f".{target.name[:60]}.{secrets.token_hex(8)}")
    try:
        with open(fresh, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, target)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise KeepError(
            f"The fit cannot be written to {os.fspath(path)!r:.200}: {reason}.",
            hint='Name a file in a folder that is there and can be written to, such as "sleep.fit".',
        ) from None
    finally:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)


# Reading -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Archive:
    """An open archive: its page, and its arrays, read when they are asked for."""

    page: Mapping[str, Any]
    members: zipfile.ZipFile

    def array(self, name: str) -> np.ndarray:
        """Return an array by name; KeepError if there is none or it is not what its first line says."""
        known = self.members.NameToInfo.get(f"{name}.npy")
        if known is None or not _MEMBER.fullmatch(f"{name}.npy"):
            raise damaged(f"it lacks the array {name!r:.40}")
        try:
            with self.members.open(known) as member:
                return _read_array(member, known.file_size, name)
        except _BROKEN as error:
            raise damaged(f"the array {name!r:.40} cannot be read") from error


@contextlib.contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open a file for reading.

    Raises KeepError for a file that is missing, too large, of another kind, of a newer format, or damaged.
    """
    with _opened(path) as file:
        _check_end(file)
        try:
            members = zipfile.ZipFile(file)
        except _BROKEN as error:
            raise damaged("its list of members cannot be read") from error
        with members:
            _check_members(members)
            yield Archive(_page(members), members)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    shown = f"{os.fspath(path)!r:.200}"
    try:
        file = open(path, "rb")  # noqa: SIM115 - closed below, so that errors of the body are not taken for its own
    except FileNotFoundError:
        raise KeepError(f"There is no file {shown}.", hint="fit.save(path) writes one, and returns its path.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no name of a file"
        raise KeepError(f"The file {shown} cannot be opened: {reason}.") from None
    with file:
        yield file


def _check_end(file: IO[bytes]) -> None:
    """Look at the last record before the list of members is read, so that a list of millions is refused."""
    if not file.seekable():
        raise foreign("it is no file on a disk")
    size = file.seek(0, io.SEEK_END)
    if size > MOST_BYTES:
        raise KeepError(
            f"The file has {size / 2**30:,.1f} GB, but a kept fit has at most {MOST_BYTES / 2**30:,.0f} GB."
        )
    file.seek(0)
    if file.read(4) != b"PK\x03\x04":
        raise foreign("it is empty" if not size else "it begins otherwise")
    file.seek(max(0, size - _END.size))
    last = file.read(_END.size)
    fields = _END.unpack(last) if len(last) == _END.size else (b"",)
    if fields[0] != b"PK\x05\x06":
        raise damaged("its end is missing")
    count, listed = fields[4], fields[5]
    if fields[3] != count or not 0 < count <= _MOST_MEMBERS or listed > _MOST_LISTED:
        raise damaged("its list of members is not one of a fit")


def _check_members(members: zipfile.ZipFile) -> None:
    found = members.infolist()
    names = [member.filename for member in found]
    if _PAGE not in names:
        raise foreign(f"it lacks {_PAGE}")
    for member in found:
        if member.filename != _PAGE and not _MEMBER.fullmatch(member.filename):
            raise damaged(f"it has a member called {member.filename!r:.60}")
        plain = member.compress_type == zipfile.ZIP_STORED and member.file_size == member.compress_size
        if not plain or member.flag_bits:
            raise damaged(f"the member {member.filename} is packed, and none of a fit is")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise damaged(f"it has two members called {twice}")
    if sum(member.file_size for member in found) > MOST_BYTES:
        raise damaged("its members are larger than the file")


def _page(members: zipfile.ZipFile) -> Mapping[str, Any]:
    """Return the page of JSON, after a look at who wrote it and in which format."""
    known = members.getinfo(_PAGE)
    if known.file_size > MOST_JSON:
        raise damaged(f"{_PAGE} has {known.file_size:,} bytes, more than any fit writes")
    try:
        text = members.read(known)
        page = json.loads(text.decode("ascii"), object_pairs_hook=_once, parse_constant=_no_constant)
    except _BROKEN as error:
        raise damaged(f"{_PAGE} cannot be read") from error
    if not isinstance(page, dict) or page.get("kind") != KIND:
        raise foreign(f"{_PAGE} was not written by probflow_nb")
    number = page.get("format")
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise damaged("it does not say in which format it is")
    if number > FORMAT:
        raise KeepError(
            f"The file is of format {str(number)[:12]}, which a newer probflow_nb wrote; "
            f"this one reads format {FORMAT}.",
            hint="Update the package: pip install --upgrade probflow_nb",
        )
    return page


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_constant(word: str) -> float:
    raise ValueError(f"{word} is no JSON")


def _read_array(member: IO[bytes], size: int, name: str) -> np.ndarray:
    """Return the array of a member of `size` bytes; its memory is asked for once its first line agrees with them."""
    start = member.read(len(_MAGIC) + 2)
    if start[: len(_MAGIC)] != _MAGIC or len(start) != len(_MAGIC) + 2:
        raise damaged(f"{name} is no array")
    (length,) = struct.unpack("<H", start[len(_MAGIC) :])
    found = _HEADER.fullmatch(member.read(length))
    if found is None or found[1].decode() not in _TYPES:
        raise damaged(f"the array {name} has no type that a fit has")
    dtype = np.dtype(found[1].decode())
    shape = tuple(int(word) for word in found[2].decode().split(",") if word.strip())
    # Python's whole numbers do not overflow, however large a shape is claimed.
    if math.prod(shape) * dtype.itemsize != size - len(start) - length or any(n > 2**40 for n in shape):
        raise damaged(f"the array {name} is not as long as it says")
    array = np.empty(shape, dtype)
    held = array.reshape(-1).view(np.uint8)
    at = 0
    while at < held.size:
        got = member.readinto(held[at : at + 2**24].data)  # type: ignore[attr-defined]
        if not got:
            raise EOFError
        at += got
    if member.read(1):
        raise EOFError
    if dtype.kind == "b" and held.size and held.max() > 1:
        raise damaged(f"the array {name} holds something other than yes and no")
    return array
