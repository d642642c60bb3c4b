"""Z as an operator against Z as a matrix."""

from __future__ import annotations

import numpy as np
import pytest

from probflow_nb.model.linear_operator import GroupOperator


@pytest.mark.parametrize("batch", [(), (5,), (2, 3)])
def test_products_are_those_of_the_matrix(batch: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    n, J, k = 12, 4, 2
    index, z = rng.integers(0, J, n).astype(np.int32), rng.normal(size=(n, k))
    Z = np.zeros((n, J, k))
    Z[np.arange(n), index] = z
    operator = GroupOperator(index, z, J)
    b, r = rng.normal(size=(*batch, J, k)), rng.normal(size=(*batch, n))
    np.testing.assert_allclose((operator @ b).numpy(), np.einsum("njk,...jk->...n", Z, b), rtol=1e-12)
    np.testing.assert_allclose(operator.adjoint(r).numpy(), np.einsum("njk,...n->...jk", Z, r), rtol=1e-12)
