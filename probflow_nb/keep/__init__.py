"""A fit's parts to one file and back; imports `predict` and the floors below it, and runs nothing that a file holds.

kept       Kept: the parts of a fit, written to a file and read from one
archive    the file: numbers and texts as JSON, arrays beside it, all sizes known before anything is read
record     what is written into an archive, and what is read from one field by field, each checked
columns    the data that a model uses
models     a model as its text and its data
answers    a posterior or an optimum
states     an engine, its options, and where it ended
clouds     weighted draws with their proposals
laplace_states  where Laplace ended
cache      a folder of kept fits, each under the name of its contents, bounded in size
fingerprint  that name: of text, data, engine, seed and versions
"""

from __future__ import annotations

from .kept import Kept, read, write

__all__ = ["Kept", "read", "write"]
