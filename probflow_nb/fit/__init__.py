"""The frozen result of a run, what it answers and what it shows; imports `keep` and the floors below it.

fit        Fit: the result
estimates  posterior means, intervals and samples, with names along every axis
facts      what is said of any model, whatever its kind
conflict   whether priors and the scale of the data fit together
loop       a run pulled to its end, with its progress shown
unfitted   a model that waits for its fit
leave_one_out  how well rows, or levels of a factor, are predicted by the others
checks, explanations, exports, renewal  what a fit answers, by what it is asked for
comparison several fits of the same data in one table; yardsticks: what they are compared by
"""

from __future__ import annotations

from .fit import Fit, finish, load
from .unfitted import Unfitted

__all__ = ["Fit", "Unfitted", "finish", "load"]
