"""One function a data set: what was measured, in which units, by whom."""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def names() -> tuple[str, ...]:
    """Return the names of the data sets, each also the name of a function of this module.

    Returns
    -------
    The names in alphabetical order, capitals and small letters alike.
    """
    return tuple(sorted(_columns(), key=str.lower))


def sleepstudy() -> pd.DataFrame:
    """Return reaction times of 18 people over ten days of a sleep restriction study (180 rows).

    Reaction: average reaction time of the day, in milliseconds.
    Days: day of the study, 0 to 9; 0 and 1 were adaptation and training, 2 the baseline, and sleep was
        restricted to three hours in bed after it.
    Subject: the person, 18 levels.

    Source: Belenky, G., Wesensten, N. J., Thorne, D. R., Thomas, M. L., Sing, H. C., Redmond, D. P.,
    Russo, M. B. and Balkin, T. J. (2003). Patterns of performance degradation and restoration during
    sleep restriction and subsequent recovery: a sleep dose-response study. Journal of Sleep Research 12,
    1-12. As in R's lme4.
    """
    return _read("sleepstudy")


def Dyestuff() -> pd.DataFrame:  # noqa: N802 (the name that the literature uses)
    """Return the yield of dyestuff from six batches of an intermediate product (30 rows).

    Batch: batch of the intermediate product (H-acid), 6 levels, five preparations each.
    Yield: yield of the dyestuff Naphthalene Black 12B, in grams of standard colour.

    Source: Davies, O. L. and Goldsmith, P. L. (eds) (1972). Statistical Methods in Research and
    Production, 4th ed., Oliver and Boyd, section 6.4. As in R's lme4.
    """
    return _read("Dyestuff")


def Dyestuff2() -> pd.DataFrame:  # noqa: N802
    """Return made-up yields in the layout of Dyestuff, the batches alike beyond chance (30 rows).

    Batch: 6 levels, five values each.
    Yield: the constructed response, without units; the mean square between batches is below the one within
        batches, so the maximum likelihood estimate of the batch sd is 0.

    Source: Box, G. E. P. and Tiao, G. C. (1973). Bayesian Inference in Statistical Analysis, Addison-
    Wesley, section 5.1.2. As in R's lme4.
    """
    return _read("Dyestuff2")


def Penicillin() -> pd.DataFrame:  # noqa: N802
    """Return an assay of six penicillin samples on each of 24 plates: crossed factors (144 rows).

    diameter: diameter of the zone in which growth of B. subtilis was inhibited, in millimetres.
    plate: assay plate, 24 levels. sample: penicillin sample, 6 levels.

    Source: Davies, O. L. and Goldsmith, P. L. (eds) (1972). Statistical Methods in Research and
    Production, 4th ed., Oliver and Boyd, section 6.6. As in R's lme4.
    """
    return _read("Penicillin")


def cbpp() -> pd.DataFrame:
    """Return new cases of a cattle disease in 15 Ethiopian herds over four quarters (56 rows).

    The disease is contagious bovine pleuropneumonia, CBPP.

    herd: 15 levels. period: quarter of the survey, 4 levels.
    incidence: number of new serological cases in the herd in that period.
    size: number of animals in the herd at the start of the period.

    Source: Lesnoff, M., Laval, G., Bonnet, P., Abdicho, S., Workalemahu, A., Kifle, D., Peyraud, A.,
    Lancelot, R. and Thiaucourt, F. (2004). Within-herd spread of contagious bovine pleuropneumonia in
    Ethiopian highlands. Preventive Veterinary Medicine 64, 27-40. As in R's lme4.
    """
    return _read("cbpp")


def eight_schools() -> pd.DataFrame:
    """Return the estimated effects of coaching for a college entrance test in eight schools (8 rows).

    school: 8 levels.
    y: estimated effect of coaching, in points of the SAT-V score.
    sigma: standard error of that estimate, in the same points; it is taken as known.

    Source: Rubin, D. B. (1981). Estimation in parallel randomized experiments. Journal of Educational
    Statistics 6, 377-401.
    """
    return _read("eight_schools")


def epilepsy() -> pd.DataFrame:
    """Return seizure counts of 59 patients at four visits of a trial of progabide (236 rows).

    count: seizures in the two weeks before the visit.
    Trt: "0" placebo, "1" progabide. patient: 59 levels. visit: 4 levels. obs: one level a row.
    Age: age in years. Base: seizures in the eight weeks before the trial.
    zAge, zBase: Age and Base with mean 0 and sd 1 over the rows.

    Source: Thall, P. F. and Vail, S. C. (1990). Some covariance models for longitudinal count data with
    overdispersion. Biometrics 46, 657-671. As in R's brms.
    """
    return _read("epilepsy")


def radon() -> pd.DataFrame:
    """Return radon measured in 919 houses of the 85 counties of Minnesota (919 rows).

    log_radon: natural logarithm of the radon concentration in the house, in picocuries per litre.
    floor: where it was measured, 0 in the basement, 1 on the first floor.
    county: 85 levels.
    log_uranium: natural logarithm of the uranium content of the county's soil.

    Source: Price, P. N., Nero, A. V. and Gelman, A. (1996). Bayesian prediction of mean indoor radon
    concentrations for Minnesota counties. Health Physics 71, 922-936; Gelman, A. and Hill, J. (2007).
    Data Analysis Using Regression and Multilevel/Hierarchical Models, Cambridge University Press. As in
    R's rstanarm.
    """
    return _read("radon")


def Contraception() -> pd.DataFrame:  # noqa: N802
    """Return who used contraception among 1,934 women in 60 districts of Bangladesh, 1988 (1,934 rows).

    woman: one level a row. district: 60 levels.
    use: whether contraception was used at the time of the survey, "N" or "Y".
    livch: number of living children, levels "0", "1", "2", "3+". urban: "N" or "Y".
    age: age in years, centred at its mean.

    Source: the Bangladesh Fertility Survey of 1988, as the Centre for Multilevel Modelling in Bristol
    gives it; as in R's mlmRev.
    """
    return _read("Contraception")


def _columns() -> dict[str, dict[str, dict[str, Any]]]:
    text = (resources.files(__package__) / "columns.json").read_text(encoding="utf-8")
    return json.loads(text)


def _read(name: str) -> pd.DataFrame:
    import pandas as pd

    columns = _columns()[name]
    # Factors are read as text: a level such as "3+" or "01" must not pass through a number.
    types = {column: c["type"] if "levels" not in c else str for column, c in columns.items()}
    with (resources.files(__package__) / f"{name}.csv").open("r", encoding="utf-8") as file:
        frame = pd.read_csv(file, dtype=types, keep_default_na=False)
    for column, c in columns.items():
        if "levels" in c:
            frame[column] = pd.Categorical(frame[column], c["levels"], ordered=c["type"] == "ordered")
    return frame
