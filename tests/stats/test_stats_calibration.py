"""Agreement and corrected prevalence against published figures, by hand, and by simulation."""

import random
import re

import pytest

from testbed.stats.confusion import Confusion
from testbed.stats.kappa import cohen_kappa
from testbed.stats.prevalence import rogan_gladen


def test_kappa_as_worked_by_hand():
    # Observed 35/50; expected 0.5 * 0.6 + 0.5 * 0.4 = 0.5.
    found = cohen_kappa(20, 5, 10, 15)
    assert (found.n, found.agreement, found.kappa) == (50, pytest.approx(0.7), pytest.approx(0.4))
    assert found.low < 0.4 < found.high


def test_kappa_of_perfect_opposite_and_constant_graders():
    assert cohen_kappa(10, 0, 0, 10).kappa == 1.0
    assert cohen_kappa(0, 10, 10, 0).kappa == -1.0
    assert cohen_kappa(0, 0, 0, 20)[1:] == (1.0, None, None, None)
    assert cohen_kappa(0, 0, 0, 0)[1:] == (None, None, None, None)
    with pytest.raises(ValueError, match="counts"):
        cohen_kappa(-1, 0, 0, 1)


def test_kappas_interval_covers_the_true_value():
    rng, inside, runs = random.Random(5), 0, 600
    probabilities = (0.35, 0.1, 0.1, 0.45)
    true = (0.8 - 0.505) / (1 - 0.505)
    for _ in range(runs):
        drawn = rng.choices(range(4), probabilities, k=120)
        found = cohen_kappa(*(drawn.count(cell) for cell in range(4)))
        inside += found.low <= true <= found.high
    assert 0.92 < inside / runs < 0.985


def test_rogan_gladen_as_worked_by_hand():
    # (0.30 + 0.95 - 1) / (0.80 + 0.95 - 1) = 1/3.
    found = rogan_gladen(30, 100, (40, 50), (95, 100))
    assert found.rate == pytest.approx(1 / 3)
    assert 0.15 < found.low < 1 / 3 < found.high < 0.55 and found.reason == ""


def test_a_perfect_grader_changes_nothing_but_the_doubt():
    small, large = (rogan_gladen(30, 100, (n, n), (n, n)) for n in (20, 20_000))
    assert small.rate == large.rate == pytest.approx(0.3)
    assert small.high - small.low > large.high - large.low


def test_rates_are_cut_off_at_zero_and_one():
    assert rogan_gladen(0, 100, (40, 50), (90, 100)).rate == 0.0
    assert rogan_gladen(100, 100, (40, 50), (90, 100)).rate == 1.0
    found = rogan_gladen(0, 100, (40, 50), (90, 100))
    assert 0 <= found.low <= found.high <= 1


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ((1, 10, (9, 9), (50, 50)), "only 9 positive gold cases"),
        ((1, 10, (50, 50), (3, 4)), "only 4 negative gold cases"),
        ((1, 10, (30, 50), (25, 50)), r"1\.10 \(more than 1\.1"),
        ((0, 0, (50, 50), (50, 50)), "nothing was scored"),
    ],
)
def test_it_says_why_it_cannot_be_used(counts, said):
    found = rogan_gladen(*counts)
    assert found[:3] == (None, None, None)
    assert re.search(said, found.reason), found.reason


@pytest.mark.parametrize(
    ("true", "se", "sp", "n", "cases"),
    [(0.02, 0.9, 0.95, 100, 60), (0.3, 0.9, 0.95, 100, 60), (0.5, 0.8, 0.9, 200, 40), (0.9, 0.95, 0.85, 100, 50)],
)
def test_the_interval_covers_the_true_prevalence(true, se, sp, n, cases):
    rng, inside, runs = random.Random(3), 0, 500

    def drawn(of, share):
        return sum(rng.random() < share for _ in range(of))

    for _ in range(runs):
        apparent = drawn(n, true * se + (1 - true) * (1 - sp))
        found = rogan_gladen(apparent, n, (drawn(cases, se), cases), (drawn(cases, sp), cases))
        inside += found.low <= true <= found.high
    assert inside / runs > 0.93


def test_a_case_is_counted_once_and_in_one_place():
    counts = Confusion()
    for truth, said in [(True, True), (True, False), (False, False), (False, False), (False, True), (True, None)]:
        counts = counts.counted(truth, said)
    assert counts == Confusion(tp=1, fp=1, tn=2, fn=1, unscored=1)
    assert (counts.sensitivity, counts.specificity, counts.precision) == ((1, 2), (2, 3), (1, 2))
