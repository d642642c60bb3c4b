"""Likelihoods: how the statement of a response says each family, its link and its further parameters.

The link is the name of the argument that holds eta, as in Bernoulli(logit = eta), Poisson(log = eta) and
Normal(log = eta, sd = sigma); with an identity link eta stands where the mean does: Normal(eta, sigma).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..lang.tree import Node
from .families import KINDS, Family


@dataclass(frozen=True)
class Likelihood:
    """The distribution that says a family.

    family: its name. function: of the distribution. mean: the argument that holds eta with an identity link.
    further: (argument, parameter) of the family's further parameters, in the order of `Family.auxiliary`.
    plain, linked: the call with an identity link and with any other, with {link}, {eta}, {trials} and each parameter.
    """

    family: str
    function: str
    mean: str
    further: tuple[tuple[str, str], ...]
    plain: str
    linked: str

    def call(self, link: str, words: Mapping[str, str]) -> str:
        """Return the call of a link; words: eta, trials, and the letter of every further parameter."""
        form = self.plain if link == "identity" else self.linked
        return f"{self.function}({form.format(link=link, **words)})"


_EACH = (
    Likelihood("gaussian", "Normal", "mean", (("sd", "sigma"),), "{eta}, {sigma}", "{link} = {eta}, sd = {sigma}"),
    Likelihood(
        "student_t",
        "StudentT",
        "location",
        (("scale", "sigma"), ("df", "df")),
        "{df}, {eta}, {sigma}",
        "{df}, {link} = {eta}, scale = {sigma}",
    ),
    Likelihood("bernoulli", "Bernoulli", "p", (), "{eta}", "{link} = {eta}"),
    Likelihood("binomial", "Binomial", "p", (), "{trials}, {eta}", "{trials}, {link} = {eta}"),
    Likelihood(
        "beta",
        "Beta",
        "mean",
        (("precision", "precision"),),
        "mean = {eta}, precision = {precision}",
        "{link} = {eta}, precision = {precision}",
    ),
    Likelihood("poisson", "Poisson", "rate", (), "{eta}", "{link} = {eta}"),
    Likelihood(
        "negative_binomial",
        "NegativeBinomial",
        "mean",
        (("shape", "shape"),),
        "{eta}, {shape}",
        "{link} = {eta}, shape = {shape}",
    ),
    Likelihood(
        "gamma",
        "Gamma",
        "mean",
        (("shape", "shape"),),
        "shape = {shape}, mean = {eta}",
        "shape = {shape}, {link} = {eta}",
    ),
    Likelihood("log_normal", "LogNormal", "mean", (("sd", "sigma"),), "{eta}, {sigma}", ""),
    Likelihood("ordinal", "Ordinal", "", (("cut", "cut"),), "", "{link} = {eta}, cut = {cut}"),
    Likelihood(
        "zero_inflated_poisson", "ZeroInflatedPoisson", "", (("zero", "zero"),), "", "{link} = {eta}, zero = {zero}"
    ),
    Likelihood(
        "zero_inflated_negative_binomial",
        "ZeroInflatedNegativeBinomial",
        "",
        (("shape", "shape"), ("zero", "zero")),
        "",
        "{link} = {eta}, shape = {shape}, zero = {zero}",
    ),
)

LIKELIHOODS: dict[str, Likelihood] = {one.function: one for one in _EACH}
"""By the name of the distribution; each says one family."""

_KINDS = {kind.name: kind for kind in KINDS}


def likelihood_of(family: Family) -> Likelihood | None:
    """Return how the statements say a family with its link, or None where they cannot."""
    found = next((one for one in _EACH if one.family == family.name), None)
    if found is None or not (found.plain if family.link == "identity" else found.linked):
        return None
    return found


def read_likelihood(function: str, given: Mapping[str, Node]) -> tuple[Likelihood, Family, Node] | None:
    """Return the likelihood, the family and eta that the arguments of a distribution mean, or None."""
    one = LIKELIHOODS.get(function)
    if one is None:
        return None
    kind = _KINDS[one.family]
    arguments = {**{link: link for link in kind.links if link != "identity"}, one.mean: "identity"}
    found = [(argument, link) for argument, link in arguments.items() if argument in given and link in kind.links]
    if len(found) != 1 or any(argument not in given for argument, _ in one.further):
        return None
    argument, link = found[0]
    return one, Family(kind.name, link, kind.auxiliary), given[argument]
