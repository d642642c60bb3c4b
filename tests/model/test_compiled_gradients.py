"""The compiled density that the general engines see has the gradients of the plain one, in every chain."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import probflow_nb as pf
from probflow_nb.backend.tensorflow import load
from probflow_nb.inference.nuts_program import differentiated


@pytest.mark.parametrize("chains", [1, 4])
@pytest.mark.parametrize(("family", "columns"), [("poisson", 3), ("poisson", 5), ("poisson", 8), ("gaussian", 5)])
def test_every_chain_has_the_gradient_of_its_density(family: str, columns: int, chains: int) -> None:
    tf, rng, n = load(), np.random.default_rng(0), 236
    frame = pd.DataFrame({f"x{i}": rng.normal(size=n) for i in range(columns - 1)})
    frame["g"], frame["y"] = rng.integers(0, 30, n).astype(str), rng.poisson(3, n)
    text = "y ~ " + " + ".join(frame.columns[: columns - 1]) + " + (1 | g)"
    density = pf.prepare(text, frame, family=family).model.density
    both = differentiated(density, density.inputs())
    z = tf.constant(0.1 * rng.normal(size=(chains, density.size)))
    value, gradient = both(z)
    compiled_value, compiled = tf.function(both, autograph=False, jit_compile=True)(z)
    np.testing.assert_allclose(compiled_value, value, rtol=1e-11)
    np.testing.assert_allclose(compiled, gradient, rtol=1e-9, atol=1e-9 * np.abs(gradient).max())
