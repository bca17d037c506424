"""Cohen's kappa: agreement of two graders beyond what their base rates would give."""

import math
from typing import NamedTuple


class Kappa(NamedTuple):
    """Agreement on yes and no.

    Attributes:
        n: Cases that both graded.
        agreement: Share of them on which both said the same; ``None`` without cases.
        kappa: Cohen's kappa; ``None`` where it is not defined (no cases, or both graders gave one and the same
            answer throughout).
        low: Lower bound of the interval.
        high: Upper bound.
    """

    n: int
    agreement: float | None
    kappa: float | None
    low: float | None
    high: float | None


def cohen_kappa(both: int, first: int, second: int, neither: int, level: float = 0.95) -> Kappa:
    """Compute Cohen's kappa of two graders with its large-sample interval.

    Sources: J. Cohen (1960), A coefficient of agreement for nominal scales, Educational and Psychological Measurement
    20:37–46; standard error: J. L. Fleiss, J. Cohen & B. S. Everitt (1969), Psychological Bulletin 72:323–327. The
    interval is an approximation that is poor for fewer than some thirty cases; it is cut off at -1 and 1.

    Args:
        both: Cases on which both said yes.
        first: Cases on which only the first said yes.
        second: Cases on which only the second said yes.
        neither: Cases on which both said no.
        level: Confidence level.

    Raises:
        ValueError: A count is negative, or ``level`` not in (0, 1).
    """
    counts = (both, first, second, neither)
    if min(counts) < 0 or not 0 < level < 1:
        raise ValueError(f"counts {counts} at confidence level {level}")
    n = sum(counts)
    if n == 0:
        return Kappa(0, None, None, None, None)
    cells = ((both / n, first / n), (second / n, neither / n))
    rows = (sum(cells[0]), sum(cells[1]))
    columns = (cells[0][0] + cells[1][0], cells[0][1] + cells[1][1])
    observed = cells[0][0] + cells[1][1]
    expected = rows[0] * columns[0] + rows[1] * columns[1]
    if 1 - expected < 1e-12:
        return Kappa(n, observed, None, None, None)
    kappa = (observed - expected) / (1 - expected)
    diagonal = sum(cells[i][i] * (1 - (rows[i] + columns[i]) * (1 - kappa)) ** 2 for i in (0, 1))
    off = sum(cells[i][1 - i] * (columns[i] + rows[1 - i]) ** 2 for i in (0, 1)) * (1 - kappa) ** 2
    variance = (diagonal + off - (kappa - expected * (1 - kappa)) ** 2) / (n * (1 - expected) ** 2)
    spread = _quantile(level) * math.sqrt(max(variance, 0.0))
    return Kappa(n, observed, kappa, max(-1.0, kappa - spread), min(1.0, kappa + spread))


def _quantile(level: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf((1 + level) / 2)
