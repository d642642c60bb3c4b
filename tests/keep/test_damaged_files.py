"""Files that are damaged, foreign, newer or hostile: one clear sentence each, bounded memory, and no code run."""

from __future__ import annotations

import io
import json
import pickle
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import probflow_nb as pf
from probflow_nb.display.progress import NullProgress
from probflow_nb.errors import KeepError
from probflow_nb.fit import Fit

CORRUPTED = 1000
EDITED = 300

Members = dict[str, bytes]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[Fit, bytes]:
    """Return a fit and the bytes of its file."""
    data = pf.datasets.sleepstudy().iloc[:60]
    fit = pf.lme(
        "Reaction ~ Days + (Days | Subject)", data, engine=pf.Exact(draws=100), seed=2, progress=NullProgress()
    )
    return fit, fit.save(tmp_path_factory.mktemp("damaged") / "a.fit").read_bytes()


@pytest.fixture(scope="module", params=["gaussian", "binomial"])
def either(
    request: pytest.FixtureRequest, original: tuple[Fit, bytes], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Fit, bytes]:
    """Return the same, and one of a family, whose engine remembers where it ended."""
    if request.param == "gaussian":
        return original
    fit = pf.lme(
        "incidence / size ~ period + (1 | herd)",
        pf.datasets.cbpp(),
        engine=pf.Laplace(draws=100),
        family="binomial",
        seed=2,
        progress=NullProgress(),
    )
    assert fit.goes_on
    return fit, fit.save(tmp_path_factory.mktemp("damaged") / "a.fit").read_bytes()


def loaded(content: bytes, path: Path) -> Fit | KeepError:
    """Return the fit of a file's bytes, or its error; any other exception, or a warning, is the test's failure."""
    path.write_bytes(content)
    try:
        return pf.load(path)
    except KeepError as error:
        found = error
    assert 20 < len(found.message) < 400
    assert found.message.endswith(".")
    assert "\n" not in found.message
    return found


def equal(a: Fit, b: Fit) -> bool:
    """Return whether two fits say the same."""
    return (
        np.array_equal(a.draws.scalars, b.draws.scalars)
        and a.summary().equals(b.summary())
        and a.verdict == b.verdict
        and a.answer.evidence == b.answer.evidence
        and (a.seed, a.engine, a.formula, a.name, a.seconds) == (b.seed, b.engine, b.formula, b.name, b.seconds)
        and np.array_equal(a.model.design.X, b.model.design.X)
        and np.array_equal(a.model.design.y, b.model.design.y)
        and np.array_equal(a.draws.origin.theta, b.draws.origin.theta)
        and np.array_equal(a.draws.origin.common, b.draws.origin.common)
        and all(np.array_equal(s.index, t.index) for s, t in zip(a.model.design.groups, b.model.design.groups))
    )


def flipped(content: bytes, rng: np.random.Generator) -> bytes:
    """Change one byte to ten, near each other in half of the files."""
    changed, size = bytearray(content), len(content)
    count = int(rng.integers(1, 11))
    places = rng.integers(0, size, count)
    if rng.random() < 0.5:
        places = (rng.integers(0, size) + rng.integers(0, 40, count)) % size
    for place in places:
        changed[place] ^= int(rng.integers(1, 256))
    return bytes(changed)


def cut(content: bytes, rng: np.random.Generator) -> bytes:
    """Leave out the end, the beginning, or a part between."""
    a, b = np.sort(rng.integers(0, len(content), 2))
    return (content[:a], content[b:], content[:a] + content[b:])[int(rng.integers(3))]


def swapped(content: bytes, rng: np.random.Generator) -> bytes:
    """Exchange two parts, or write one over another."""
    length = int(rng.integers(1, len(content) // 4))
    a, b = np.sort(rng.integers(0, len(content) - length, 2))
    changed = bytearray(content)
    changed[a : a + length] = content[b : b + length]
    if rng.random() < 0.5:
        changed[b : b + length] = content[a : a + length]
    return bytes(changed)


def directory(content: bytes, rng: np.random.Generator) -> bytes:
    """Change bytes of the list of members, where sizes and places stand."""
    start = content.index(b"PK\x01\x02")
    return content[:start] + flipped(content[start:], rng)


@pytest.mark.parametrize("damage", [flipped, cut, swapped, directory])
def test_a_corrupted_file_is_told_or_says_the_same(
    damage: Callable[[bytes, np.random.Generator], bytes], either: tuple[Fit, bytes], tmp_path: Path
) -> None:
    fit, content = either
    rng = np.random.default_rng([8, len(damage.__name__)])
    told = 0
    for _ in range(CORRUPTED // 4):
        found = loaded(damage(content, rng), tmp_path / "a.fit")
        if isinstance(found, KeepError):
            told += 1
        else:
            assert equal(found, fit)
    assert told > 0.8 * CORRUPTED / 4


# Files that someone has made -----------------------------------------------------------------------------------------


def members_of(content: bytes) -> Members:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(members: Members | list[tuple[str, bytes]], how: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as archive:
        for name, held in members.items() if isinstance(members, dict) else members:
            archive.writestr(name, held)
    return file.getvalue()


def edited(content: bytes, edit: Callable[[dict[str, Any]], Any]) -> bytes:
    """Return the file with its page changed, and all its checksums right."""
    members = members_of(content)
    page = json.loads(members["fit.json"])
    changed = edit(page)
    members["fit.json"] = json.dumps(page if changed is None else changed).encode()
    return packed(members)


def array(shape: str, descr: str = "<f8", held: bytes = b"") -> bytes:
    line = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(line)) + line + held


def with_array(content: bytes, start: str, held: bytes) -> bytes:
    """Return the file with the first array whose name begins so replaced."""
    members = members_of(content)
    name = next(name for name in members if name.startswith(start))
    return packed({**members, name: held})


def with_page(content: bytes, page: bytes) -> bytes:
    return packed({**members_of(content), "fit.json": page})


def pickled(content: bytes) -> bytes:
    """Return the file with an array of objects, which numpy would unpickle."""
    file = io.BytesIO()
    np.save(file, np.array([Trap()], dtype=object), allow_pickle=True)
    return with_array(content, "draws_", file.getvalue())


class Trap:
    """What would be run by unpickling."""

    def __reduce__(self) -> Any:
        return (pytest.fail, ("code of the file was run",))


def other_zip(content: bytes) -> bytes:
    file = io.BytesIO()
    np.savez(file, a=np.zeros(3))
    return file.getvalue()


def in_page(*path: str | int, to: Any) -> Callable[[bytes], bytes]:
    """Return what sets one field of the page."""

    def edit(page: dict[str, Any]) -> None:
        held: Any = page
        for step in path[:-1]:
            held = held[step]
        held[path[-1]] = to

    return lambda content: edited(content, edit)


def twice(content: bytes) -> bytes:
    with pytest.warns(UserWarning, match="Duplicate name"):
        return packed([*members_of(content).items(), ("fit.json", b"{}")])


def more_members(content: bytes) -> bytes:
    return packed({**members_of(content), **{f"x{i}.npy": b"" for i in range(5000)}})


HOSTILE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda c: b"", "holds no kept fit: it is empty"),
    "text": (lambda c: b"y ~ x", "holds no kept fit: it begins otherwise"),
    "a pickle": (lambda c: pickle.dumps(Trap()), "holds no kept fit: it begins otherwise"),
    "arrays of numpy": (other_zip, "holds no kept fit: it lacks fit.json"),
    "another program's page": (lambda c: packed({"fit.json": b'{"kind": "other"}'}), "was not written by probflow_nb"),
    "a list for a page": (lambda c: with_page(c, b"[]"), "was not written by probflow_nb"),
    "newer": (in_page("format", to=2), "is of format 2, which a newer probflow_nb wrote"),
    "much newer": (in_page("format", to=10**400), "which a newer probflow_nb wrote"),
    "no format": (in_page("format", to="1"), "does not say in which format"),
    "no end": (lambda c: c[:-22], "its end is missing"),
    "a comment": (lambda c: c + b"!", "its end is missing"),
    "many members": (more_members, "its list of members is not one of a fit"),
    "a path upward": (lambda c: packed({**members_of(c), "../../x.npy": b""}), r"a member called '../../x.npy'"),
    "an absolute path": (lambda c: packed({**members_of(c), "/etc/passwd": b""}), "a member called '/etc/passwd'"),
    "a member twice": (twice, "it has two members called fit.json"),
    "a bomb": (
        lambda c: packed({**members_of(c), "x.npy": bytes(50_000_000)}, zipfile.ZIP_DEFLATED),
        "is packed, and none of a fit is",
    ),
    "a long page": (lambda c: with_page(c, b" " * (2**23 + 1)), "more than any fit writes"),
    "a deep page": (lambda c: with_page(c, b"[" * 100_000 + b"]" * 100_000), "fit.json cannot be read"),
    "NaN": (lambda c: with_page(c, b'{"kind": NaN}'), "fit.json cannot be read"),
    "a long number": (lambda c: with_page(c, b'{"kind": ' + b"9" * 100_000 + b"}"), "fit.json cannot be read"),
    "a field twice": (lambda c: with_page(c, b'{"kind": 1, "kind": 2}'), "fit.json cannot be read"),
    "not ASCII": (lambda c: with_page(c, "{'ä': 1}".encode()), "fit.json cannot be read"),
    "a giant shape": (lambda c: with_array(c, "draws_", array("(4, 1000000000000, 6)")), "not as long as it says"),
    "a shape that overflows": (
        lambda c: with_array(c, "draws_", array("(4294967296, 4294967296, 2)")),
        "not as long as it says",
    ),
    "a shape of nothing": (
        lambda c: with_array(c, "draws_", array("(0, 9000000000000000000, 6)")),
        "not as long as it says",
    ),
    "a negative shape": (lambda c: with_array(c, "draws_", array("(-1, 5, 6)")), "has no type that a fit has"),
    "an expression for a shape": (
        lambda c: with_array(c, "draws_", array("(__import__('os').getpid(),)")),
        "has no type that a fit has",
    ),
    "objects": (pickled, "has no type that a fit has"),
    "text in an array": (lambda c: with_array(c, "draws_", array("(1,)", "<U1", b"abcd")), "has no type"),
    "no array": (lambda c: with_array(c, "draws_", b"hello"), "is no array"),
    "a missing array": (in_page("answer", "scalars", to="other"), "lacks the array 'other'"),
    "an array by a path": (in_page("answer", "scalars", to="../a"), "lacks the array '../a'"),
    "code for an engine": (in_page("engine", "name", to="os.system"), "its engine is not one of this package"),
    "an option of no engine": (in_page("engine", "options", "x", to=1), "its engine is not one of this package"),
    "an option out of range": (in_page("engine", "options", "draws", to=-1), "do not fit each other .*draws"),
    "code for a model": (in_page("model", "text", to="__import__('os')"), "do not fit each other"),
    "another model": (in_page("model", "text", to="Reaction ~ Days + (1 | Subject)"), "not those of its model"),
    "another column": (in_page("model", "text", to="Reaction ~ Hours"), "There is no column"),
    "statements for a formula": (in_page("model", "kind", to="statements"), "but its data are those of statements"),
    "no rows": (in_page("model", "n", to=0), "'n' of the model is not a whole number of at least 1"),
    "other rows": (in_page("model", "n", to=59), "has the shape"),
    "a family of no kind": (in_page("model", "family", "name", to="os"), "its family is of no known kind"),
    "a verdict of no level": (in_page("answer", "verdict", "level", to="superb"), "its verdict is of no known level"),
    "no verdict": (in_page("answer", "verdict", to=None), "'verdict' of the answer is not a table of fields"),
    "a seed of words": (in_page("run", "seed", to="one"), "'seed' of the run is not a whole number"),
    "time backwards": (in_page("run", "seconds", to=-1.0), "its time is no time"),
    "more draws affordable than made": (
        in_page("answer", "effects", 0, "affordable", to=10**9),
        "'affordable' of the effects is not a whole number",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_in_a_sentence(name: str, original: tuple[Fit, bytes], tmp_path: Path) -> None:
    make, sentence = HOSTILE[name]
    content = make(original[1])
    tracemalloc.start()
    try:
        found = loaded(content, tmp_path / "a.fit")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(found, KeepError)
    assert found.message in str(found)
    import re

    assert re.search(sentence, found.message), found.message
    assert peak < 60_000_000


def places_in(page: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all values of a page."""
    inside = page.items() if isinstance(page, dict) else enumerate(page) if isinstance(page, list) else ()
    return [path, *(deeper for key, value in inside for deeper in places_in(value, (*path, key)))]


ODD: tuple[Any, ...] = (
    None, True, -1, 0, 1, 3, 10**30, 0.5, -1e300, "", "nan", "x", "y ~ x", "a" * 999,
    [], [[]], {}, {"a": 1}, [1, 2], ["a"],
)  # fmt: skip


def test_an_edited_page_is_told_or_read(either: tuple[Fit, bytes], tmp_path: Path) -> None:
    fit, content = either
    members = members_of(content)
    text = members["fit.json"]
    arrays = [name.removesuffix(".npy") for name in members if name.endswith(".npy")]
    rng = np.random.default_rng(9)
    places = [path for path in places_in(json.loads(text)) if path]
    told = 0
    for _ in range(EDITED):
        page = json.loads(text)
        path = places[int(rng.integers(len(places)))]
        held = page
        for step in path[:-1]:
            held = held[step]
        if rng.random() < 0.3:
            held[path[-1]] = arrays[int(rng.integers(len(arrays)))]
        elif rng.random() < 0.2 and isinstance(held, dict):
            del held[path[-1]]
        else:
            held[path[-1]] = ODD[int(rng.integers(len(ODD)))]
        found = loaded(with_page(content, json.dumps(page).encode()), tmp_path / "a.fit")
        told += isinstance(found, KeepError)
        if isinstance(found, Fit):
            # What was let in can be shown.
            assert len(found.summary()) == len(fit.summary())
    assert 0.5 * EDITED < told < EDITED


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("none.fit", "There is no file"),
        (".", "cannot be opened: Is a directory"),
        (None, "named by a text or a path"),
        ("a\0b", "is no name of a file"),
        ("a" * 5000, "cannot be opened: File name too long"),
    ],
)
def test_a_path_that_cannot_be_read_is_told(
    path: Any, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KeepError, match=sentence):
        pf.load(path)
