"""Expands settings such as ``threat=replacement,none`` into conditions."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product

from testbed.errors import TestbedError
from testbed.scenario.pack import Scenario
from testbed.types import Condition

Settings = Mapping[str, Sequence[str]]


def parse_settings(texts: Iterable[str]) -> dict[str, list[str]]:
    """Read ``--set`` options: ``factor=level`` or ``factor=level,level``; the same factor may be set again.

    Raises:
        TestbedError: If a text has no ``=``, or nothing on one side of it.
    """
    settings: dict[str, list[str]] = {}
    for text in texts:
        factor, sign, levels = text.partition("=")
        chosen = [level.strip() for level in levels.split(",") if level.strip()]
        if not sign or not factor.strip() or not chosen:
            raise TestbedError(f"--set {text}: write factor=level, or factor=level,level for several.")
        settings.setdefault(factor.strip(), []).extend(chosen)
    return settings


def expand(scenario: Scenario, settings: Settings) -> list[Condition]:
    """List the conditions that settings ask for: the product of the chosen levels, factors left out at their default.

    Args:
        scenario: A loaded pack.
        settings: Levels by factor; the level ``all`` stands for every level of its factor.

    Raises:
        TestbedError: On an unknown factor or level; the message lists the known ones.
    """
    factors = scenario.manifest.factors
    for name in settings:
        if name not in factors:
            known = ", ".join(factors) or "none"
            raise TestbedError(f"Scenario '{scenario.id}' has no factor '{name}'. Its factors: {known}.")
    choices = []
    for name, factor in factors.items():
        wanted = list(settings.get(name, [factor.default]))
        if "all" in wanted:
            wanted = list(factor.levels)
        for level in wanted:
            if level not in factor.levels:
                known = ", ".join(factor.levels)
                raise TestbedError(f"Factor '{name}' of '{scenario.id}' has no level '{level}'. Its levels: {known}.")
        choices.append(list(dict.fromkeys(wanted)))
    return [Condition(levels=dict(zip(factors, chosen, strict=True))) for chosen in product(*choices)]
