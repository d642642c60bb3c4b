"""Scale names: what a response is called on each scale, and what its pictures show of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..design.response import counts_of_trials
from ..lang.printer import label
from ..model.model import Model
from ..predict.scale import EVENTS

COUNTS = ("poisson", "negative_binomial", "zero_inflated_poisson", "zero_inflated_negative_binomial")
"""The families of counts, whose mean is a rate."""


def bayesian(model: Any) -> str:
    """Return the engine, as a person writes it, that gives a model a posterior."""
    return "Laplace()" if getattr(model, "record", None) is not None else "Exact()"


def scale_of_effects(model: Any) -> str:
    """Return what the effects of a formula add up to, such as "log odds"; "" where that is the response itself."""
    if not isinstance(model, Model) or model.spec.family.link == "identity":
        return ""
    family = model.spec.family
    if family.link == "logit":
        return "log odds"
    if family.link == "log":
        return "log risk" if family.name in EVENTS else "log rate" if family.name in COUNTS else "log mean"
    return f"{family.link} scale"


def of_events(model: Any) -> bool:
    """Return whether pictures of the response show a probability: for 0 and 1, and for counts out of trials."""
    return isinstance(model, Model) and model.spec.family.name in EVENTS


def scaled_name(model: Any, response: str, scale: str) -> str:
    """Return the name of what is predicted on a scale: of counts / trials the counts, or their share, or logit(...)."""
    if not isinstance(model, Model):
        return response
    pair = counts_of_trials(model.spec)
    if scale == "response":
        return label(pair[0]) if pair is not None else response
    link = model.spec.family.link
    mean = probability_name(model, response) if of_events(model) else response
    if scale == "link":
        return "eta" if link == "identity" or model.spec.family.name == "ordinal" else f"{link}({mean})"
    return mean


def probability_name(model: Model, response: str) -> str:
    """Return what the probability of an event is called: P(use = Y), or counts / trials as written."""
    if counts_of_trials(model.spec) is not None:
        return response
    levels = model.design.response_levels
    return f"P({response} = {levels[1] if len(levels) == 2 else 1})"


def axis_name(model: Any, response: str) -> str:
    """Return what an axis of the response shows: a probability of events, numbers of ordered categories, or itself."""
    if of_events(model):
        return probability_name(model, response)
    categories = getattr(getattr(model, "record", None), "categories", ())
    if categories:
        return f"{response} (1 {categories[0]} to {len(categories)} {categories[-1]})"
    return response


def observed_on_axis(model: Any) -> np.ndarray:
    """Return the responses of the fit as an axis shows them, (n,): shares of trials for counts out of trials."""
    y = np.asarray(model.y, float)
    trials = getattr(getattr(model, "design", None), "trials", None)
    return y / trials if of_events(model) and trials is not None else y
