"""Tree to meaning, without data: both texts lower to one frozen ModelSpec; imports `lang` and `errors`."""

from .families import GAUSSIAN, Family
from .formula import lower
from .model_spec import ModelSpec
from .priors import Distribution, Prior, Target
from .terms import GroupTerm, Term

__all__ = ["GAUSSIAN", "Distribution", "Family", "GroupTerm", "ModelSpec", "Prior", "Target", "Term", "lower"]
