"""Prevalence corrected for a grader's known errors, with an interval that carries the doubt about the grader too."""

import math
from statistics import NormalDist
from typing import NamedTuple

# Below this Youden index + 1 the grader is hardly better than chance and the correction explodes.
LEAST_SUM = 1.1
LEAST_CASES = 10


class Corrected(NamedTuple):
    """A corrected rate.

    Attributes:
        rate: Rogan–Gladen estimate, cut off at 0 and 1; ``None`` where it cannot be used.
        low: Lower bound of the interval.
        high: Upper bound.
        reason: Why it cannot be used; else empty.
    """

    rate: float | None
    low: float | None
    high: float | None
    reason: str = ""


def rogan_gladen(
    positive: int,
    n: int,
    sensitivity: tuple[int, int],
    specificity: tuple[int, int],
    level: float = 0.95,
) -> Corrected:
    """Correct an apparent prevalence for sensitivity and specificity that were themselves estimated.

    Sources: W. J. Rogan & B. Gladen (1978), Estimating prevalence from the results of a screening test, American
    Journal of Epidemiology 107:71–76; interval: Z. Lang & J. Reiczigel (2014), Confidence limits for prevalence of
    disease adjusted for estimated sensitivity and specificity, Preventive Veterinary Medicine 113:13–22. It takes the
    episodes as independent, and sensitivity and specificity in them as those on the gold set; where the cases differ
    in kind from the gold set's, no interval covers that.

    Args:
        positive: Episodes that the grader called positive.
        n: Episodes that it graded.
        sensitivity: Gold positives that it called positive, and all gold positives that it graded.
        specificity: Gold negatives that it called negative, and all gold negatives that it graded.
        level: Confidence level.

    Raises:
        ValueError: A count is out of range.
    """
    for k, of in ((positive, n), sensitivity, specificity):
        if not 0 <= k <= of:
            raise ValueError(f"{k} of {of}")
    if n == 0:
        return Corrected(None, None, None, "nothing was scored")
    for (_, cases), what in ((sensitivity, "positive"), (specificity, "negative")):
        if cases < LEAST_CASES:
            return Corrected(None, None, None, f"only {cases} {what} gold cases (at least {LEAST_CASES} are needed)")
    se, sp = (k / of for k, of in (sensitivity, specificity))
    if se + sp <= LEAST_SUM:
        return Corrected(None, None, None, f"sensitivity + specificity is {se + sp:.2f} (more than {LEAST_SUM} needed)")
    rate = (positive / n + sp - 1) / (se + sp - 1)
    low, high = _interval(positive / n, n, se, sensitivity[1], sp, specificity[1], level)
    return Corrected(_cut(rate), low, high)


def _interval(p: float, n: int, se: float, n_se: int, sp: float, n_sp: int, level: float) -> tuple[float, float]:
    """Compute the interval of Lang and Reiczigel: Agresti–Coull for the rate, a case added each way for the grader."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    m, m_se, m_sp = n + z**2, n_se + 2, n_sp + 2
    p, se, sp = (n * p + z**2 / 2) / m, (n_se * se + 1) / m_se, (n_sp * sp + 1) / m_sp
    youden = se + sp - 1
    rate = (p + sp - 1) / youden
    v_se, v_sp = se * (1 - se) / m_se, sp * (1 - sp) / m_sp
    shift = 2 * z**2 * (rate * v_se - (1 - rate) * v_sp)
    spread = z * math.sqrt(p * (1 - p) / m + rate**2 * v_se + (1 - rate) ** 2 * v_sp) / youden
    return _cut(rate + shift - spread), _cut(rate + shift + spread)


def _cut(value: float) -> float:
    return min(1.0, max(0.0, value))
