"""Fits on each of two logical CPU devices; says where every operation ran, and whether the draws agree, as JSON.

The device of an operation is read off TensorFlow's own tensors, by a callback at every operation that it executes.
"""

from __future__ import annotations

import json
import sys
from collections import Counter

import tensorflow as tf

CPU = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(CPU, [tf.config.LogicalDeviceConfiguration()] * 2)

import numpy as np  # noqa: E402
from tensorflow.python.framework import op_callbacks  # noqa: E402

import probflow_nb as pf  # noqa: E402
from probflow_nb import datasets  # noqa: E402
from probflow_nb.inference import start  # noqa: E402

ENGINES = {
    "Exact": pf.Exact(draws=400),
    "Point": pf.Point(),
    "VI": pf.VI(rank="mean-field", steps=50, draws=400),
    "NUTS": pf.NUTS(draws=100, chains=2, warmup=50, max_depth=5),
}
TEXT = "Reaction ~ Days + (1 | Subject)"


class Line(pf.Model):
    """y ~ Normal(a + b x, s)."""

    def __init__(self) -> None:
        self.a = pf.Parameter(prior=pf.Normal(0, 5))
        self.b = pf.Parameter(prior=pf.Normal(0, 5))
        self.s = pf.ScaleParameter()

    def __call__(self, x):
        return pf.Normal(self.a() + self.b() * x, self.s())


def fitted(engine, device, own, model):
    """Return all numbers of an answer, how many operations ran on each device, and the device that the fit shows."""
    seen: Counter[str] = Counter()

    def look(op_type, inputs, attrs, outputs, op_name=None, graph=None):
        # TensorFlow keeps the shapes of tensors beside them, on the host.
        if graph is None and op_type != "Shape":
            seen.update(o.backing_device[-5:] for o in outputs if hasattr(o, "backing_device"))

    op_callbacks.add_op_callback(look)
    try:
        if own:
            run = start(model, engine, 1, device)
            answer, shown = run.finish(), run.device
        else:
            fit = model.fit(engine, 1, device=device)
            answer, shown = fit.answer, dict(fit.card.run)["device"]
        numbers = answer.draws.table if hasattr(answer, "draws") else answer.values
        if not own and hasattr(answer, "draws"):
            numbers = np.append(numbers, answer.draws.effects[0].first(20))
    finally:
        op_callbacks.remove_op_callback(look)
    return np.asarray(numbers), dict(seen), shown


def main(name: str, own: bool) -> None:
    x, engine = np.linspace(-1.0, 1.0, 30), ENGINES[name]
    written = Line().program(x, 1.0 + x + 0.3 * np.sin(9.0 * x))
    model = written if own else pf.prepare(TEXT, datasets.sleepstudy())
    # The same model on one device, on the other, and back.
    runs = [fitted(engine, device, own, model) for device in ("CPU:0", "cpu:1", "CPU:0")]
    report = {
        "ops": [seen for _, seen, _ in runs],
        "same": [bool(np.array_equal(runs[0][0], numbers)) for numbers, _, _ in runs],
        "shown": runs[1][2],
    }
    sys.stdout.write(json.dumps(report) + "\n")


main(sys.argv[1], sys.argv[2:] == ["own"])
