"""The family's density and score against automatic differentiation, its moments, its batches and its stopping rule."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from probflow_nb.inference import variational_base as base
from probflow_nb.inference import variational_stopping as stopping
from probflow_nb.inference.row_stream import stream
from probflow_nb.inference.variational_family import Structure

STRUCTURES = {
    "full": Structure(np.array([2, 0, 1, 3], np.int32), 4),
    "full, hyperparameters": Structure(np.array([3, 1, 0, 2], np.int32), 4, (), 2),
    "mean-field": Structure(np.arange(4, dtype=np.int32), 0, ((4, 1),)),
    "structured": Structure(np.array([0, 1, 8, 2, 3, 4, 5, 6, 7], np.int32), 3, ((2, 2), (2, 1)), 2),
}


def member(structure: Structure, seed: int = 0) -> dict[str, np.ndarray]:
    """Return a member of the family far from where it starts."""
    rng = np.random.default_rng(seed)
    found = {name: v + 0.3 * rng.standard_normal(v.shape) for name, v in structure.start(1.0).items()}
    for name in found:
        if name == "root" or name.startswith("local"):
            found[name] = np.tril(found[name])
    if "among" in found:
        found["among"] = np.tril(found["among"], -1)
    return found


@pytest.mark.parametrize("name", STRUCTURES)
def test_density_and_score_are_those_of_the_map(name) -> None:
    structure, q = STRUCTURES[name], member(STRUCTURES[name])
    e = tf.constant(np.random.default_rng(1).standard_normal((5, structure.size)))
    held = {key: tf.constant(value) for key, value in q.items()}
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(e)
        drawn = base.warp(held, e, structure.n_hyper)
        z = structure.forward(held, drawn.x)
        log_base = -0.5 * tf.reduce_sum(e**2, axis=1) - drawn.log_slope
    jacobian = tape.batch_jacobian(z, e).numpy()
    standard = -0.5 * np.sum(e.numpy() ** 2, axis=1) - 0.5 * structure.size * np.log(2 * np.pi)
    log_q = structure.sample(q, e.numpy())[1]
    np.testing.assert_allclose(log_q, standard - np.linalg.slogdet(jacobian)[1], rtol=1e-10)
    J, gradient = tape.batch_jacobian(drawn.x, e).numpy(), tape.gradient(log_base, e).numpy()
    score = [-np.linalg.solve(j.T, g) for j, g in zip(J, gradient)]
    np.testing.assert_allclose(drawn.score, score, rtol=1e-9, atol=1e-10)
    pulled = structure.pull_back(held, tf.constant(gradient)).numpy()
    linear = jacobian @ np.linalg.inv(J)
    np.testing.assert_allclose(pulled, np.einsum("szx,sz->sx", linear, gradient), rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("name", ["full, hyperparameters", "structured"])
def test_steps_of_the_base_follow_its_gradient(name) -> None:
    structure = STRUCTURES[name]
    rng = np.random.default_rng(2)
    q = {key: tf.constant(value) for key, value in member(structure).items()}
    e, h = (tf.constant(0.3 * rng.standard_normal((6, structure.size))) for _ in range(2))
    with tf.GradientTape() as tape:
        tape.watch(q)
        x = base.warp(q, e, structure.n_hyper).x
        value = tf.reduce_sum(tf.stop_gradient(h) * x) / 6
    gradient = tape.gradient(value, q)
    rate = 1e-6
    moved = base.moved(q, h, e, x, tf.constant(rate, tf.float64), structure.n_hyper)
    for key, share in (("skew", 0.3), ("tail", 0.3), ("scales", 0.5), ("bends", 1.0)):
        step = (moved[key] - q[key]).numpy() / rate
        np.testing.assert_allclose(step, share * gradient[key].numpy(), rtol=1e-4, atol=1e-8)
    step = (moved["among"] - q["among"]).numpy() / rate
    np.testing.assert_allclose(step, 0.5 * np.tril(gradient["among"].numpy(), -1), rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize("name", ["full", "mean-field", "structured"])
def test_a_step_multiplies_by_a_map_of_the_same_form(name) -> None:
    structure = STRUCTURES[name]
    q = member(structure)
    held = {key: tf.constant(value) for key, value in q.items()}
    rng = np.random.default_rng(4)
    h, x = (tf.constant(rng.standard_normal((7, structure.size))) for _ in range(2))
    u = structure.direction(h, x)
    moved = structure.moved(held, u, 0.1, 0.1)
    eye, zero = tf.eye(structure.size, dtype=tf.float64), {**held, "mean": tf.zeros(structure.size, tf.float64)}
    L = structure.forward(zero, eye).numpy().T
    after = structure.forward({**moved, "mean": zero["mean"]}, eye).numpy().T
    step = np.linalg.solve(L, after)
    outer = h.numpy().T @ x.numpy() / 7
    # Where the form has an entry, it is the rate's share of E h x', half on the diagonal; elsewhere nothing.
    form = np.abs(step) > 1e-12
    assert not np.triu(form, 1).any()
    below = form & ~np.eye(structure.size, dtype=bool)
    np.testing.assert_allclose(step[below], 0.1 * outer[below], rtol=1e-8)
    np.testing.assert_allclose(np.diag(step), np.exp(0.05 * np.diag(outer)), rtol=1e-8)
    assert below.sum() == {"full": 6, "mean-field": 0, "structured": 3 + 6 * 3 + 2}[name]


def test_a_member_made_of_draws_has_their_moments() -> None:
    structure = STRUCTURES["structured"]
    rng = np.random.default_rng(5)
    z = structure.sample({**member(structure), **base.start(2, 9)}, rng.standard_normal((4000, 9)))[0]
    again = structure.sample(structure.from_draws(z), rng.standard_normal((200_000, 9)))[0]
    np.testing.assert_allclose(again.mean(0), z.mean(0), atol=0.03)
    np.testing.assert_allclose(np.cov(again.T), np.cov(z.T), atol=0.12)


@pytest.mark.parametrize(("n", "size"), [(10, 3), (10, 10), (10, 25), (7, 6), (12, 4), (5, 1), (9, 5)])
def test_every_row_weighs_one(n, size) -> None:
    epochs = 40
    rows = stream(n, size, seed=3)
    m = rows.size
    assert m == min(n, size)
    batches, rows = rows.take(epochs * n // m)
    more, _ = rows.take(3)
    batches = np.concatenate([batches, more])
    for batch in batches:
        assert len(set(batch.tolist())) == m
    # Each epoch holds every row once, so counts never differ by more than one or two.
    counts = np.bincount(batches.ravel(), minlength=n)
    assert counts.max() - counts.min() <= 2
    # The weight of a row in the mean of many streams' batches: m / n chance, n / m weight, at every position.
    streams = 4000
    first = np.zeros((n, 4))
    for seed in range(streams):
        for i, batch in enumerate(stream(n, size, seed).take(4)[0]):
            first[batch, i] += n / m / streams
    error = np.sqrt((n / m - 1) / streams)
    np.testing.assert_allclose(first, 1.0, atol=max(5 * error, 1e-9))


def run_rule(path, limit: int = 2000) -> tuple[stopping.Trail, int]:
    """Follow the rule along path(chunk, rate), the mean of one coordinate of sd 1; return the trail and the chunks."""
    trail, chunk = stopping.Trail(), 0
    while not trail.met and chunk < limit:
        trail = stopping.add(trail, {"mean": np.atleast_1d(path(chunk, trail.rate)) * 25.0}, 25)
        chunk += 1
        if trail.count == trail.length:
            mean = stopping.mean(trail.total, trail.steps)["mean"]
            trail = stopping.close(trail, (mean, np.ones_like(mean)))
    return trail, chunk


def test_the_rule_stops_where_iterates_are_stationary() -> None:
    rng = np.random.default_rng(6)
    trail, chunks = run_rule(lambda chunk, rate: 0.05 * rng.standard_normal(30))
    assert trail.met
    assert trail.figure < stopping.BOUND
    assert chunks < 200


def test_the_rule_is_not_fooled_by_a_slow_drift() -> None:
    # A time constant of 60 chunks, from 2 sds away: each window's move is soon below the bound, the distance is not.
    rng = np.random.default_rng(7)
    trail, chunks = run_rule(lambda chunk, rate: 2.0 * np.exp(-chunk / 60.0) + 0.002 * rng.standard_normal(30))
    assert trail.met
    assert 2.0 * np.exp(-chunks / 60.0) < 0.1


def test_the_rule_notices_a_bias_that_depends_on_the_rate() -> None:
    rng = np.random.default_rng(8)
    trail, _ = run_rule(lambda chunk, rate: 0.6 * rate + 0.005 * rng.standard_normal(30))
    assert trail.met
    assert trail.rate <= 0.25**2


def test_divergence_of_normals_in_closed_form() -> None:
    m, s, o, t = 0.3, 1.2, -0.1, 0.9
    kl = np.log(t / s) + (s**2 + (m - o) ** 2) / (2 * t**2) - 0.5
    back = np.log(s / t) + (t**2 + (m - o) ** 2) / (2 * s**2) - 0.5
    assert stopping.divergence(*map(np.array, (m, s, o, t))) == pytest.approx(kl + back, rel=1e-12)
