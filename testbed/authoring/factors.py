"""Whether a factor changes something, and no more than it names."""

import random
from collections.abc import Callable

from testbed.authoring.findings import Findings
from testbed.authoring.parts import changed, covered, parts
from testbed.authoring.sampling import reachable, steps
from testbed.scenario import Scenario
from testbed.scenario.source import Mark, place
from testbed.types import Case, Condition

_LISTED = 8  # parts that a note names
_FURTHER_BASES = 3  # conditions besides the default from which single steps are compared as well

Render = Callable[[Condition], Case | None]


def check_factors(scenario: Scenario, render: Render, seed: int, findings: Findings) -> None:
    """Compare the cases before and after every change of one factor.

    With ``changes:`` a factor is held to it. Without, what it changes is reported, for the author to judge.
    """
    default = scenario.default_condition().levels
    touched: dict[str, dict[str, None]] = {name: {} for name in scenario.manifest.factors}
    for base in [default, *_further(scenario, seed)]:
        for name, before, after in steps(scenario, base):
            first, second = render(before), render(after)
            if first is None or second is None:
                continue
            paths = changed(first, second)
            if not paths and base is default:
                text = f"the factor '{name}' changes nothing at '{after.levels[name]}': both conditions render alike."
                findings.add("error", _mark(scenario, name), text, short(scenario, after))
            touched[name] |= dict.fromkeys(paths)
            _hold(scenario, name, paths, after, findings)
    for name, paths_of in touched.items():
        if paths_of and not scenario.manifest.factors[name].changes:
            text = f"the factor '{name}' changes {_listing(list(paths_of))} (hold it to that with `changes:`)."
            findings.add("note", _mark(scenario, name), text)


def check_alike(scenario: Scenario, cases: list[Case], findings: Findings) -> None:
    """Report conditions that render to the same case."""
    first: dict[str, Case] = {}
    for case in cases:
        other = first.setdefault(case.hash, case)
        if other is not case:
            text = f"'{short(scenario, case.condition)}' renders the same as '{short(scenario, other.condition)}'."
            findings.add("warning", f"{scenario.id}/scenario.yaml", text)


def check_declared(scenario: Scenario, cases: list[Case], findings: Findings) -> None:
    """Report entries of `changes:` that name nothing: a slip there would hold the factor to nothing."""
    # Always there, though they may be empty.
    known = {"system", "user", "tools"}.union(*(parts(case) for case in cases))
    for name, factor in scenario.manifest.factors.items():
        for index, entry in enumerate(factor.changes):
            if cases and not any(covered(path, (entry,)) for path in known):
                text = f"the factor '{name}' names '{entry}' in its `changes:`; no rendered case has such a part."
                mark = place(scenario.root, ("factors", name, "changes", index), _mark(scenario, name))
                findings.add("warning", mark, text)


def _hold(scenario: Scenario, name: str, paths: list[str], after: Condition, findings: Findings) -> None:
    allowed = scenario.manifest.factors[name].changes
    more = [path for path in paths if not covered(path, allowed)]
    if allowed and more:
        text = f"the factor '{name}' changes more than its `changes:` names: {_listing(more)}."
        findings.add("error", _mark(scenario, name), text, short(scenario, after))


def _further(scenario: Scenario, seed: int) -> list[dict[str, str]]:
    stream = random.Random(f"{scenario.id} bases {seed}")  # noqa: S311 - a reproducible draw, no secret
    factors = scenario.manifest.factors
    found = []
    for _ in range(_FURTHER_BASES if len(factors) > 1 else 0):
        drawn = {name: stream.choice(list(factor.levels)) for name, factor in factors.items()}
        found.append(reachable(scenario, drawn))
    return found


def _mark(scenario: Scenario, name: str) -> Mark:
    return place(scenario.root, ("factors", name), Mark(f"{scenario.id}/scenario.yaml", 1))


def short(scenario: Scenario, condition: Condition) -> str:
    """Name a condition by what is not at its default."""
    default = scenario.default_condition().levels
    own = [f"{name}={level}" for name, level in condition.levels.items() if default.get(name) != level]
    return " ".join(own) or "default"


def _listing(paths: list[str]) -> str:
    more = f" and {len(paths) - _LISTED} more" if len(paths) > _LISTED else ""
    return ", ".join(paths[:_LISTED]) + more
