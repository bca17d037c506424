"""Expands settings such as ``threat=replacement,none`` into conditions."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import product

from testbed.errors import TestbedError
from testbed.scenario.everywhere import NEUTRAL, PLACEMENTS, check_level, neutral
from testbed.scenario.pack import Scenario
from testbed.types import Condition

Settings = Mapping[str, Sequence[str]]
_COMMA = re.compile(",")
_NEXT_TRIGGER = re.compile(rf",(?=\s*(?:none\s*(?:,|$)|(?:{'|'.join(PLACEMENTS)}):))")


def parse_settings(texts: Iterable[str]) -> dict[str, list[str]]:
    """Read ``--set`` options: ``factor=level`` or ``factor=level,level``; the same factor may be set again.

    Raises:
        TestbedError: If a text has no ``=``, or nothing on one side of it.
    """
    settings: dict[str, list[str]] = {}
    for text in texts:
        factor, sign, levels = text.partition("=")
        # A trigger's text may hold commas: a new one begins only with a placement or `none`.
        apart = _NEXT_TRIGGER if factor.strip() == "trigger" else _COMMA
        chosen = [level.strip() for level in apart.split(levels) if level.strip()]
        if not sign or not factor.strip() or not chosen:
            raise TestbedError(f"--set {text}: write factor=level, or factor=level,level for several.")
        settings.setdefault(factor.strip(), []).extend(chosen)
    return settings


def expand(scenario: Scenario, settings: Settings) -> list[Condition]:
    """List the conditions that settings ask for: the product of the chosen levels, factors left out at their default.

    Where a factor's needs are not met only its default level exists, so that no two conditions render alike.

    Args:
        scenario: A loaded pack.
        settings: Levels by factor, by an alias of the pack, or by ``isomorph`` and ``trigger``, which every pack has;
            the level ``all`` stands for every level of its factor.

    Raises:
        TestbedError: On an unknown factor or level, or a level that has nothing to act on in any condition.
    """
    factors, aliases = scenario.manifest.factors, scenario.manifest.aliases
    _check_names(scenario, settings)
    chosen = {name: _levels(scenario, name, settings.get(name, [factor.default])) for name, factor in factors.items()}
    renamed = {name: _alias_levels(scenario, name, settings[name]) for name in aliases if name in settings}
    extra = {name: _extra_levels(name, settings[name]) for name in NEUTRAL if name in settings}
    found: dict[str, Condition] = {}
    for combination in product(*chosen.values(), *renamed.values(), *extra.values()):
        named = dict(zip((*chosen, *renamed, *extra), combination, strict=True))
        levels = {name: named[name] for name in factors}
        for name in renamed:
            levels |= aliases[name][named[name]]
        levels = {name: _met(scenario, name, levels) for name in levels}
        condition = Condition(levels=levels | neutral({name: named[name] for name in extra}))
        found.setdefault(condition.key, condition)
    _check_reached(scenario, settings, list(found.values()))
    return list(found.values())


def _met(scenario: Scenario, name: str, levels: Mapping[str, str]) -> str:
    factor = scenario.manifest.factors[name]
    return factor.default if factor.unmet(levels) else levels[name]


def _check_names(scenario: Scenario, settings: Settings) -> None:
    known = [*scenario.manifest.factors, *scenario.manifest.aliases, *NEUTRAL]
    for name in settings:
        if name not in known:
            raise TestbedError(f"Scenario '{scenario.id}' has no factor '{name}'. Its factors: {', '.join(known)}.")


def _levels(scenario: Scenario, name: str, wanted: Sequence[str]) -> list[str]:
    return _known(scenario, name, wanted, list(scenario.manifest.factors[name].levels))


def _alias_levels(scenario: Scenario, name: str, wanted: Sequence[str]) -> list[str]:
    return _known(scenario, name, wanted, list(scenario.manifest.aliases[name]))


def _known(scenario: Scenario, name: str, wanted: Sequence[str], known: list[str]) -> list[str]:
    for level in wanted:
        if level not in known and level != "all":
            listing = ", ".join(known)
            raise TestbedError(f"Factor '{name}' of '{scenario.id}' has no level '{level}'. Its levels: {listing}.")
    return known if "all" in wanted else list(dict.fromkeys(wanted))


def _extra_levels(name: str, wanted: Sequence[str]) -> list[str]:
    for level in wanted:
        check_level(name, level)
    return list(dict.fromkeys(wanted))


def _check_reached(scenario: Scenario, settings: Settings, found: Sequence[Condition]) -> None:
    """Refuse a level that was asked for and exists in no condition, rather than leave it out in silence."""
    for name, factor in scenario.manifest.factors.items():
        wanted = settings.get(name, [])
        for level in wanted:
            if level not in ("all", factor.default) and all(condition.levels[name] != level for condition in found):
                needs = "; ".join(f"{other} in {', '.join(levels)}" for other, levels in factor.needs.items())
                raise TestbedError(f"{name}={level} of '{scenario.id}' has nothing to act on here: it needs {needs}.")
