"""Record: what is written into an archive, and what is read from one field by field, each checked for its kind."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .archive import Archive, damaged

# A page has names for numbers that JSON lacks.
_WORDS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


@dataclass(frozen=True, eq=False)
class Arrays:
    """The arrays of an archive that is being made, by name; each is told a name that no other has."""

    held: dict[str, np.ndarray] = field(default_factory=dict)

    def add(self, name: str, array: np.ndarray) -> str:
        """Keep an array, in the little-endian order, and return its name."""
        plain = np.ascontiguousarray(array).reshape(np.shape(array))
        taken = f"{name}_{len(self.held)}"
        self.held[taken] = plain.astype(plain.dtype.newbyteorder("<"), copy=False)
        return taken

    def texts(self, name: str, texts: Sequence[str]) -> dict[str, str]:
        """Keep texts as their bytes one after the other and the length of each."""
        # A text may hold half of a pair of code points, which UTF-8 alone does not write.
        pieces = [text.encode("utf-8", "surrogatepass") for text in texts]
        lengths = np.array([len(piece) for piece in pieces], dtype=np.int64)
        packed = np.frombuffer(b"".join(pieces), dtype=np.uint8)
        return {"bytes": self.add(f"{name}_bytes", packed), "lengths": self.add(f"{name}_lengths", lengths)}


def number(value: float) -> float | str:
    """Return a number as JSON has it: "nan", "inf" and "-inf" by name."""
    value = float(value)
    if math.isfinite(value):
        return value
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"


@dataclass(frozen=True, eq=False)
class Record:
    """Some fields of an archive, read one by one; KeepError for one that is missing or of another kind.

    where: what they belong to, for a sentence.
    """

    fields: Mapping[str, Any]
    archive: Archive
    where: str = "fit"

    def has(self, name: str) -> bool:
        """Whether there is a field of that name that is not null."""
        return self.fields.get(name) is not None

    def text(self, name: str) -> str:
        """Return a text."""
        return str(self._one(name, lambda v: isinstance(v, str), "a text"))

    def flag(self, name: str) -> bool:
        """Return a truth value."""
        return bool(self._one(name, lambda v: isinstance(v, bool), "true or false"))

    def whole(self, name: str, least: int = 0, most: int = 2**62) -> int:
        """Return a whole number from `least` to `most`."""

        def fits(v: Any) -> bool:
            return isinstance(v, int) and not isinstance(v, bool) and least <= v <= most

        return int(self._one(name, fits, f"a whole number of at least {least}"))

    def number(self, name: str) -> float:
        """Return a number, possibly none or infinite."""

        def fits(v: Any) -> bool:
            return (isinstance(v, (int, float)) and not isinstance(v, bool) and abs(v) < 1e308) or v in _WORDS

        found = self._one(name, fits, "a number")
        return _WORDS[found] if isinstance(found, str) else float(found)

    def words(self, name: str) -> tuple[str, ...]:
        """Return a short list of texts."""

        def fits(v: Any) -> bool:
            return isinstance(v, list) and all(isinstance(word, str) for word in v)

        return tuple(self._one(name, fits, "a list of texts"))

    def plain(self, name: str) -> dict[str, Any]:
        """Return names with plain values, as an engine's options."""

        def fits(v: Any) -> bool:
            return isinstance(v, dict) and all(w is None or isinstance(w, (bool, int, float, str)) for w in v.values())

        return dict(self._one(name, fits, "names with plain values"))

    def record(self, name: str) -> Record:
        """Return fields inside this one."""
        found = self._one(name, lambda v: isinstance(v, dict), "a table of fields")
        return Record(found, self.archive, name)

    def records(self, name: str) -> Iterator[Record]:
        """Yield tables of fields in their order."""

        def fits(v: Any) -> bool:
            return isinstance(v, list) and all(isinstance(one, dict) for one in v)

        for one in self._one(name, fits, "a list of tables"):
            yield Record(one, self.archive, name)

    def names(self, name: str) -> tuple[str, ...]:
        """Return the names in a table of fields."""
        return tuple(self.record(name).fields)

    def array(self, name: str, kinds: str = "f", shape: tuple[int | None, ...] | None = None) -> np.ndarray:
        """Return an array whose type is of one of the kinds, with axes of the sizes given, None for any."""
        array = self.archive.array(self.text(name))
        if array.dtype.kind not in kinds:
            raise damaged(f"{name} of the {self.where} holds {array.dtype}")
        if shape is not None and (
            array.ndim != len(shape)
            or any(want is not None and got != want for got, want in zip(array.shape, shape, strict=True))
        ):
            wanted = " x ".join("any" if size is None else str(size) for size in shape) or "a single number"
            raise damaged(f"{name} of the {self.where} has the shape {array.shape}, not {wanted}")
        return array

    def texts(self, name: str) -> tuple[str, ...]:
        """Return texts that `Arrays.texts` has kept."""
        inside = self.record(name)
        lengths, packed = inside.array("lengths", "i", (None,)), inside.array("bytes", "u", (None,))
        ends = np.concatenate([[0], np.cumsum(lengths)])
        if (lengths < 0).any() or ends[-1] != packed.size or packed.dtype.itemsize != 1:
            raise damaged(f"the texts {name} of the {self.where} do not add up")
        whole = packed.tobytes()
        try:
            return tuple(
                whole[start:end].decode("utf-8", "surrogatepass")
                for start, end in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)
            )
        except UnicodeDecodeError:
            raise damaged(f"the texts {name} of the {self.where} cannot be read") from None

    def _one(self, name: str, fits: Callable[[Any], bool], what: str) -> Any:
        if name not in self.fields:
            raise damaged(f"the {self.where} lacks {name!r:.40}")
        value = self.fields[name]
        try:
            good = fits(value)
        except TypeError:
            good = False
        if not good:
            raise damaged(f"{name!r:.40} of the {self.where} is not {what}")
        return value
