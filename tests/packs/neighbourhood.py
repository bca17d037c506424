"""The conditions of a pack that the tests look at: its default, every single change from it, and a seeded sample.

The whole product of a pack's factors has many millions of conditions; a fault in one factor shows near the default,
and a fault between factors shows in a sample.
"""

import itertools
import random
from functools import cache

from testbed import content
from testbed.scenario import expand, load_pack, render
from testbed.types import Condition

PACKS = sorted(content.list_packs())
SAMPLE = 30


@cache
def pack(name):
    """Load a pack once in this process."""
    return load_pack(content.find_pack(name))


@cache
def _rendered(name, levels):
    return render(pack(name), Condition(levels=dict(levels)))


def rendered(name, condition):
    """Render a condition once in this process."""
    return _rendered(name, tuple(condition.levels.items()))


def reach(scenario, factor):
    """The condition nearest to the default in which all levels of a factor exist: its needs are met."""
    factors = scenario.manifest.factors
    levels = dict(scenario.default_condition().levels)
    todo = [factor]
    while todo:
        for other, wanted in factors[todo.pop()].needs.items():
            if other in levels and levels[other] not in wanted:
                levels[other] = wanted[0]
                todo.append(other)
    return Condition(levels=levels)


def single_changes(name, factor):
    """Pairs of conditions that differ in one factor alone: the nearest one in which it acts, and each other level."""
    scenario = pack(name)
    base = reach(scenario, factor)
    return [
        (base, Condition(levels={**base.levels, factor: level}))
        for level in scenario.manifest.factors[factor].levels
        if level != base.levels[factor] and _exists(scenario, {**base.levels, factor: level})
    ]


def _exists(scenario, levels):
    return not any(
        factor.unmet(levels) for name, factor in scenario.manifest.factors.items() if levels[name] != factor.default
    )


def neighbourhood(name):
    """The default, and every condition that a single change of a factor leads to or starts from."""
    scenario = pack(name)
    found = {scenario.default_condition().key: scenario.default_condition()}
    for factor in scenario.manifest.factors:
        for pair in single_changes(name, factor):
            found |= {condition.key: condition for condition in pair}
    return list(found.values())


def sample(name, count=SAMPLE, isomorphs=(0, 1, 2)):
    """A seeded sample of conditions that exist, over all factors and some isomorphs."""
    scenario, stream = pack(name), random.Random(f"sample of {name}")
    found = {}
    for _ in range(count):
        settings = {factor: [stream.choice(list(it.levels))] for factor, it in scenario.manifest.factors.items()}
        (condition,) = expand_met(scenario, settings)
        isomorph = stream.choice(isomorphs)
        levels = {**condition.levels, **({"isomorph": str(isomorph)} if isomorph else {})}
        found[str(levels)] = Condition(levels=levels)
    return list(found.values())


@cache
def all_pairs(name, tries=8):
    """Conditions that together hold every two levels of two factors which can stand together."""
    scenario, stream = pack(name), random.Random(f"pairs of {name}")
    levels = [(factor, level) for factor, it in scenario.manifest.factors.items() for level in it.levels]
    missing = {(one, two) for one, two in itertools.combinations(levels, 2) if one[0] != two[0]}
    found = []
    for pair in sorted(missing):
        candidates = [_around(scenario, pair, stream) for _ in range(tries)] if pair in missing else []
        best = max(candidates, key=lambda it: len(missing & _pairs_of(it)) if it else -1, default=None)
        if best:
            missing -= _pairs_of(best)
            found.append(Condition(levels=best))
    return found


def _around(scenario, pair, stream):
    """A random condition around two given levels, or nothing if they cannot stand together."""
    factors, fixed = scenario.manifest.factors, dict(pair)
    levels = {name: fixed.get(name) or stream.choice(list(it.levels)) for name, it in factors.items()}
    for _ in range(2 * len(factors)):
        unmet = [name for name in levels if levels[name] != factors[name].default and factors[name].unmet(levels)]
        if not unmet:
            return levels
        free = [name for name in unmet if name not in fixed]
        if free:
            levels[free[0]] = factors[free[0]].default
            continue
        for other, wanted in factors[unmet[0]].needs.items():
            if other in levels and levels[other] not in wanted:
                if other in fixed:
                    return None
                fixed[other] = levels[other] = stream.choice(wanted)
    return None


def _pairs_of(levels):
    return set(itertools.combinations(levels.items(), 2))


def expand_met(scenario, settings):
    """Expand settings, with factors that have nothing to act on at their default."""
    levels = {name: wanted[0] for name, wanted in settings.items()}
    factors = scenario.manifest.factors
    while unmet := [name for name in levels if levels[name] != factors[name].default and factors[name].unmet(levels)]:
        levels[unmet[0]] = factors[unmet[0]].default
    return expand(scenario, {name: [level] for name, level in levels.items()})


def ground(name, share=slice(None)):
    """What the ground truth is played in: the neighbourhood, its languages' isomorphs, and a share of the sample."""
    scenario = pack(name)
    languages = list(scenario.manifest.factors["language"].levels) if "language" in scenario.manifest.factors else [""]
    isomorphs = [
        Condition(levels={**scenario.default_condition().levels, **chosen, "isomorph": number})
        for chosen in ({"language": language} if language else {} for language in languages)
        for number in ("1", "2")
    ]
    found = {c.key: c for c in (*neighbourhood(name), *isomorphs, *sample(name)[share])}
    return [rendered(name, condition) for condition in found.values()]
