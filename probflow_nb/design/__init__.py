"""Meaning and data to arrays; imports `spec` and what lies below it."""

from .builder import build
from .design import Design, DroppedColumn
from .encoding import Encoding, GroupRows, Rows
from .group import GroupBlock

__all__ = ["Design", "DroppedColumn", "Encoding", "GroupBlock", "GroupRows", "Rows", "build"]
