"""The interval that every rate is shown with."""

import math
from functools import lru_cache


@lru_cache(maxsize=4096)
def wilson(k: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Compute the Wilson score interval of a proportion.

    It is used because it stays useful where the rates of a testbed lie: at 0 of n it is not ±0, and it never leaves
    [0, 1]. It takes the n trials as independent.

    Sources: E. B. Wilson (1927), Probable inference, the law of succession, and statistical inference, Journal of the
    American Statistical Association 22:209–212; L. D. Brown, T. T. Cai & A. DasGupta (2001), Interval estimation for a
    binomial proportion, Statistical Science 16:101–133.

    Args:
        k: Successes.
        n: Trials.
        level: Confidence level.

    Returns:
        Lower and upper bound; both NaN when there were no trials.

    Raises:
        ValueError: ``k`` is not in 0 … ``n``, or ``level`` not in (0, 1).
    """
    if not 0 <= k <= n:
        raise ValueError(f"{k} successes of {n} trials")
    if not 0 < level < 1:
        raise ValueError(f"confidence level {level} is not between 0 and 1")
    if n == 0:
        return math.nan, math.nan
    from scipy.stats import binomtest  # 0.9 s to import: only when there is a rate to show

    interval = binomtest(k, n).proportion_ci(confidence_level=level, method="wilson")
    return float(interval.low), float(interval.high)
