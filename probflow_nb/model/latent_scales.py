"""Latent scales: relative factors of the group effects in numpy, from theta or from the entries of Delta themselves."""

from __future__ import annotations

import numpy as np

from .covariance import Layout, TermLayout, correlations
from .latent_blocks import Entries, Scales
from .latent_design import LatentDesign

# log of the largest scaled sd that cross-products leave digits for; the prior alone tells larger ones apart.
_LARGEST = 13.0


def from_theta(design: LatentDesign, layout: Layout, theta: np.ndarray) -> Scales:
    """Return diag(sd) L of every factor for theta (S, d): log sds and atanh partial correlations, term by term."""
    found = []
    for term in layout.terms:
        sd = np.exp(np.clip(theta[:, term.start : term.start + term.k], -300.0, _LARGEST))
        if term.n_correlations:
            L = np.linalg.cholesky(_away_from_one(correlations(term, theta)))
            found.append(sd[:, :, None] * L)
        else:
            found.append(sd[:, :, None] * np.eye(term.k))
    return _of_factors(design, layout, found)


def from_entries(design: LatentDesign, layout: Layout, phi: np.ndarray) -> Scales:
    """Return the factors for phi (S, d): the k diagonal entries, then those below, row by row, term by term."""
    return _of_factors(design, layout, [entries_of(term, phi) for term in layout.terms])


def entries_of(term: TermLayout, phi: np.ndarray) -> np.ndarray:
    """Return Delta of one term, (S, k, k)."""
    k = term.k
    delta = np.zeros((len(phi), k, k))
    delta[:, range(k), range(k)] = phi[:, term.start : term.start + k]
    if term.n_correlations:
        low = np.tril_indices(k, -1)
        delta[:, low[0], low[1]] = phi[:, term.start + k : term.stop]
    return delta


def _away_from_one(R: np.ndarray) -> np.ndarray:
    """Return R with its diagonal a rounding above 1, so that a correlation of 1 has a Cholesky factor."""
    R = R.copy()
    R[:, range(R.shape[1]), range(R.shape[1])] += 1e-13
    return R


def _of_factors(design: LatentDesign, layout: Layout, terms: list[np.ndarray]) -> Scales:
    first: Entries = []
    rest = []
    for position, factor in enumerate(design.factors):
        blocks = [terms[m] for m in factor.members]
        if position:
            whole = np.zeros((len(blocks[0]), factor.n_columns, factor.n_columns))
            start = 0
            for block in blocks:
                stop = start + block.shape[1]
                whole[:, start:stop, start:stop] = block
                start = stop
            rest.append(whole)
            continue
        for m, block in zip(factor.members, blocks, strict=True):
            before, k = len(first), block.shape[1]
            full = layout.terms[m].n_correlations > 0
            for c in range(k):
                row = [block[:, c, d] if d == c or full else None for d in range(c + 1)]
                first.append([*([None] * before), *row])
    return Scales(first, tuple(rest))
