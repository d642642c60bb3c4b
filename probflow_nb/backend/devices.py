"""Devices: where tensors can be computed, a scope in which they are, and what is kept for each of them."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import platform
import re
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from ..errors import EngineError
from .tensorflow import load

_KINDS = ("GPU", "TPU", "CPU")
# The device of the innermost `on`, "" outside of any; every thread has its own.
_NAMED: ContextVar[str] = ContextVar("device", default="")

T = TypeVar("T")


@dataclass(frozen=True)
class Device:
    """A device of TensorFlow.

    name: "CPU:0" or "GPU:1". about: its model in words, "" if unknown. memory: bytes in all, None if unknown.
    """

    name: str
    about: str = ""
    memory: int | None = None

    @property
    def label(self) -> str:
        """What a person is shown, "GPU:0 (NVIDIA A100)", or the name alone."""
        return f"{self.name} ({self.about})" if self.about else self.name


def devices() -> tuple[Device, ...]:
    """Return every logical device that TensorFlow can place work on, GPUs first."""
    return tuple(_described(name) for name in _names())


def checked(name: str) -> str:
    """Return a device's full name, "CPU:0" for "cpu", "" for "".

    Raises EngineError for a device that there is not, with those that there are.
    """
    if not isinstance(name, str):
        raise EngineError(f"A device is named by a text, not by {name!r:.60}.", hint='Write, for example, "CPU:0".')
    if not name.strip():
        return ""
    known = _names()
    plain = name.strip().upper().removeprefix("/").removeprefix("DEVICE:")
    found = re.fullmatch(r"([A-Z]+)(?::0*(\d+))?", plain)
    wanted = f"{found[1]}:{found[2] or 0}" if found else ""
    if wanted not in known:
        raise EngineError(f'There is no device "{name:.60}".', hint=f"TensorFlow sees {', '.join(known)}.")
    return wanted


def described(name: str) -> str:
    """Return the device of that full name in words; of "", "CPU" or "GPU" with its model, as TensorFlow likes."""
    if name:
        return name if name.startswith("CPU") else _described(name).label
    default = current()
    if default.startswith("CPU"):
        return "CPU"
    return f"GPU ({_described(default).about or 'unnamed'})"


@contextlib.contextmanager
def on(name: str) -> Iterator[None]:
    """Place what is computed inside on a device of that full name; "" leaves the choice to TensorFlow."""
    if not name:
        yield
        return
    before = _NAMED.set(name)
    try:
        with load().device(f"/device:{name}"):
            yield
    finally:
        _NAMED.reset(before)


def current() -> str:
    """Return the full name of the device that work is placed on here."""
    return _NAMED.get() or ("GPU:0" if load().config.list_logical_devices("GPU") else "CPU:0")


def bound(function: Callable[..., T]) -> Callable[..., T]:
    """Return the function, to be computed on the device in force now whenever and wherever it is called."""
    name = _NAMED.get()

    @functools.wraps(function)
    def placed(*arguments: Any, **options: Any) -> T:
        with on(name):
            return function(*arguments, **options)

    return placed


class by_device(Generic[T]):  # noqa: N801 - a decorator, as cached_property is
    """A property that holds tensors: made at its first use on each device, and kept for it.

    A tensor that is kept across devices would be copied at every use, or draw the work back to where it lies.
    """

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self._place = make.__name__ + " by device"
        self.__doc__ = make.__doc__

    def __get__(self, instance: Any, owner: type | None = None) -> T:
        if instance is None:
            return self  # type: ignore[return-value]
        held: dict[str, T] = instance.__dict__.setdefault(self._place, {})
        name = current()
        if name not in held:
            held[name] = self._make(instance)
        return held[name]


def _names() -> list[str]:
    names = [device.name.removeprefix("/device:") for device in load().config.list_logical_devices()]
    known = [name for name in names if name.partition(":")[0] in _KINDS]
    return sorted(known, key=lambda name: (_KINDS.index(name.partition(":")[0]), int(name.partition(":")[2])))


@functools.cache
def _described(name: str) -> Device:
    kind, _, number = name.partition(":")
    if kind == "CPU":
        return Device(name, _processor(), _system_memory())
    return _graphics(name, int(number)) if kind == "GPU" else Device(name)


def _graphics(name: str, number: int) -> Device:
    """Return what is known of a logical GPU; only where each stands for one physical GPU."""
    config = load().config
    physical = config.get_visible_devices("GPU")
    if len(physical) != len(config.list_logical_devices("GPU")):
        return Device(name)
    about = ""
    # What a driver cannot tell is left out: a menu must not fail over it.
    with contextlib.suppress(Exception):
        about = str(config.experimental.get_device_details(physical[number]).get("device_name", ""))
    return Device(name, about, _graphics_memory(int(physical[number].name.rpartition(":")[2])))


def _graphics_memory(ordinal: int) -> int | None:
    """Return the bytes of a CUDA device, which TensorFlow does not tell; None without CUDA's driver."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
        device, size = ctypes.c_int(), ctypes.c_size_t()
        failed = driver.cuInit(0) or driver.cuDeviceGet(ctypes.byref(device), ordinal)
        failed = failed or driver.cuDeviceTotalMem_v2(ctypes.byref(size), device)
    except (OSError, AttributeError):
        return None
    return None if failed else int(size.value)


def _processor() -> str:
    """Return the processor's model in words, or ""."""
    with contextlib.suppress(OSError):
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(errors="replace"), re.MULTILINE)
        if found:
            return " ".join(found[1].split())
    return platform.processor()


def _system_memory() -> int | None:
    try:
        return int(os.sysconf("SC_PAGE_SIZE")) * int(os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return None
