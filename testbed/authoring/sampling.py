"""Which conditions the linter looks at: all of a small grid; of a large one every single step, and a sample."""

import random
from collections.abc import Mapping
from math import prod

from testbed.scenario import Scenario, expand
from testbed.types import Condition

WHOLE_GRID = 64
"""A grid of at most so many combinations is checked whole."""


def reachable(scenario: Scenario, levels: Mapping[str, str]) -> dict[str, str]:
    """Put factors whose needs are not met back to their defaults."""
    factors = scenario.manifest.factors
    found = dict(levels)
    for _ in factors:  # a factor put back may have been another's need
        found = {name: factors[name].default if factors[name].unmet(found) else found[name] for name in factors}
    return found


def with_needs(scenario: Scenario, name: str, levels: Mapping[str, str]) -> dict[str, str]:
    """Set what a factor needs, and what that needs in turn, so that the factor has something to act on."""
    factors = scenario.manifest.factors
    found = dict(levels)
    for other, wanted in factors[name].needs.items():
        if other in factors and found[other] not in wanted:
            known = [level for level in wanted if level in factors[other].levels]
            found = with_needs(scenario, other, found | ({other: known[0]} if known else {}))
    return found


def steps(scenario: Scenario, base: Mapping[str, str]) -> list[tuple[str, Condition, Condition]]:
    """List every change of one factor from a base: the factor, the condition with its default, the changed one."""
    found = []
    for name, factor in scenario.manifest.factors.items():
        start = reachable(scenario, with_needs(scenario, name, base) | {name: factor.default})
        for level in factor.levels:
            levels = start | {name: level}
            # A level that takes another factor's ground away changes two factors; that is no single step.
            if level != factor.default and reachable(scenario, levels) == levels:
                found.append((name, Condition(levels=start), Condition(levels=levels)))
    return found


def conditions(scenario: Scenario, *, sample: int, seed: int) -> list[Condition]:
    """List the conditions to check.

    Args:
        scenario: A loaded pack.
        sample: How many combinations to draw where the grid has more than ``WHOLE_GRID``.
        seed: The draw is the same for the same seed.
    """
    factors = scenario.manifest.factors
    default = scenario.default_condition()
    found = [default]
    for _, before, after in steps(scenario, default.levels):
        found += [before, after]
    size = prod(len(factor.levels) for factor in factors.values())
    if size <= WHOLE_GRID:
        found += _grid(scenario)
    else:
        stream = random.Random(f"{scenario.id} {seed}")  # noqa: S311 - a reproducible draw, no secret
        for _ in range(sample):
            drawn = {name: stream.choice(list(factor.levels)) for name, factor in factors.items()}
            found.append(Condition(levels=reachable(scenario, drawn)))
    return list({condition.key: condition for condition in found}.values())


def _grid(scenario: Scenario) -> list[Condition]:
    return expand(scenario, {name: ["all"] for name in scenario.manifest.factors})
