"""Families: a distribution called with nothing, or with its link alone, is the family of a formula's response.

pf.Binomial(trials, p)          a distribution
pf.Binomial(link="probit")      the family of counts out of trials, with a probit link
pf.Binomial(), pf.Binomial      the family with its usual link
"""

from __future__ import annotations

import inspect
from typing import Any

from ..errors import SpecError
from ..spec.families import Family, family_of_name


class FamilyName(type):
    """The type of distributions, whose names are those of families too."""

    def __call__(cls, *arguments: Any, **named: Any) -> Any:
        """Return the distribution of some arguments, or the family where there is none but `link`.

        Normal and LogNormal, which are distributions without arguments too, stay such, and mean both.
        Raises SpecError for a link that the family does not have, and for a link beside other arguments.
        """
        default = cls.family
        if "link" in named and (default is not None):
            if arguments or len(named) > 1:
                raise SpecError(
                    f"{cls.__name__} takes a link alone, as a family, or arguments without a link, as a distribution.",
                    hint=f'Write {cls.__name__}(link="{default.link}") for the family.',
                )
            return family_of_name(default.name, named["link"])
        if not arguments and not named and default is not None and not cls._complete():
            return default
        try:
            made = super().__call__(*arguments, **named)
        except TypeError:
            _check_arguments(cls, arguments, named)
            raise
        made.__dict__["_bare"] = not arguments and not named
        return made

    @property
    def family(cls) -> Family | None:
        """The family of this name with its usual link; None where there is none."""
        return family_of_name(cls.__name__)

    def _complete(cls) -> bool:
        """Whether the distribution needs no arguments."""
        return cls.__name__ in ("Normal", "LogNormal")


def _check_arguments(cls: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
    """Raise SpecError where a distribution does not take such arguments; what else went wrong is not said here."""
    signature = inspect.signature(cls.__init__)
    try:
        signature.bind(None, *arguments, **named)
    except TypeError as error:
        takes = ", ".join(name for name in signature.parameters if name not in ("self", "_"))
        raise SpecError(
            f"{cls.__name__} cannot be made of these arguments: {error}.", hint=f"Its arguments are {takes}."
        ) from None
