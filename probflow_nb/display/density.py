"""Density: a Gaussian kernel density on a grid, reflected at the bounds of the parameter."""

from __future__ import annotations

import numpy as np

POINTS = 240


def density(
    values: np.ndarray, low: float = -np.inf, high: float = np.inf, points: int = POINTS
) -> tuple[np.ndarray, np.ndarray]:
    """Return the centres (points,) of equal cells and the density (points,) there, for draws in [low, high].

    values: (S,) finite draws, not all the same. The cells cover the middle 99.8% of the draws and two
    bandwidths more, but never leave [low, high]; the density integrates to the share of the draws that they
    hold, and no mass leaks over a bound, since the histogram is mirrored there before it is smoothed. The
    bandwidth is 1.2 min(sd, IQR / 1.34) S^(-1/5), a third above the rule of B. W. Silverman, Density
    Estimation, 1986, eq. 3.31, so that Monte Carlo noise does not look like modes. The convolution is done
    by FFT.
    """
    start, stop, bandwidth = _range(values, low, high)
    step = (stop - start) / points
    margin = min(points, int(np.ceil(4 * bandwidth / step)) + 1)
    edges = start + step * np.arange(-margin, points + margin + 1)
    counts, _ = np.histogram(values, edges)
    mass = counts.astype(float)
    # What the cells beyond a bound hold is what its mirror image puts there.
    if start <= low:
        mass[:margin] = mass[margin : 2 * margin][::-1]
    if stop >= high:
        mass[points + margin :] = mass[points : points + margin][::-1]
    smooth = _convolve(mass, bandwidth / step)[margin : margin + points]
    centres = start + step * (np.arange(points) + 0.5)
    inside = counts[margin : margin + points].sum() / len(values)
    total = smooth.sum()
    return centres, smooth * (inside / (total * step) if total > 0 else 0.0)


def _range(values: np.ndarray, low: float, high: float) -> tuple[float, float, float]:
    bottom, first, third, top = np.quantile(values, (0.001, 0.25, 0.75, 0.999))
    spread = min(x for x in (values.std(), (third - first) / 1.34, top - bottom) if x > 0)
    bandwidth = float(1.2 * spread * len(values) ** -0.2)
    start, stop = bottom - 2 * bandwidth, top + 2 * bandwidth
    # A bound within reach of the kernel is where the picture ends.
    start = low if start - 2 * bandwidth <= low else start
    stop = high if stop + 2 * bandwidth >= high else stop
    return float(start), float(stop), bandwidth


def _convolve(mass: np.ndarray, scale: float) -> np.ndarray:
    """Return the mass smoothed by a Gaussian of `scale` cells, padded so that nothing wraps round."""
    size = 2 * len(mass)
    frequency = np.fft.rfftfreq(size)
    kernel = np.exp(-0.5 * (2 * np.pi * frequency * scale) ** 2)
    return np.maximum(np.fft.irfft(np.fft.rfft(mass, size) * kernel, size)[: len(mass)], 0.0)
