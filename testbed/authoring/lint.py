"""Checks a pack as a careful reader would: every template, every factor, every policy played, every address."""

from pathlib import Path

from testbed.authoring.contents import check_addresses, check_dates, reply_mark, unreachable_replies
from testbed.authoring.factors import check_alike, check_declared, check_factors, short
from testbed.authoring.findings import Finding, Findings
from testbed.authoring.names import check_names
from testbed.authoring.packcode import use_code
from testbed.authoring.policies import PolicyChecks
from testbed.authoring.sampling import conditions
from testbed.errors import PackError, TestbedError
from testbed.scenario import Scenario, load_pack, render
from testbed.scenario.bounded import LimitError
from testbed.types import Case, Condition

SAMPLE = 30
"""Combinations that are drawn from a large grid."""

ISOMORPHS = 3
"""Isomorphs of the default condition that are checked where the pack draws anything."""


def lint(folder: Path, *, allow_code: bool = False, sample: int = SAMPLE, seed: int = 0) -> list[Finding]:
    """Check a pack.

    Args:
        folder: The pack's folder.
        allow_code: Whether the pack's own ``tools.py`` may run.
        sample: Combinations to draw from a grid that is too large to be checked whole.
        seed: Decides the draw.

    Returns:
        What was found, errors first. A pack that cannot be loaded gives one finding for each sentence of the refusal.

    Raises:
        PackError: If the pack has code of its own that was not allowed.
    """
    findings = Findings()
    try:
        scenario = load_pack(folder)
    except PackError as error:
        for line in str(error).splitlines():
            findings.add("error", "", line)
        return findings.sorted()
    use_code([scenario], allow=allow_code)
    check_names(scenario, findings)
    try:
        _check_rendered(scenario, sample, seed, findings)
    except _BeyondLimit:  # the next condition would use up the limit's time again: the finding is made, that will do
        pass
    return findings.sorted()


class _BeyondLimit(Exception):
    """A case costs more than a pack may."""


def _check_rendered(scenario: Scenario, sample: int, seed: int, findings: Findings) -> None:
    rendered: dict[str, Case | None] = {}

    def case_of(condition: Condition) -> Case | None:
        if condition.key not in rendered:
            try:
                rendered[condition.key] = render(scenario, condition)
            except TestbedError as error:
                rendered[condition.key] = None
                for line in str(error).splitlines():
                    findings.add("error", "", line, short(scenario, condition))
                if isinstance(error.__cause__, (LimitError, MemoryError, RecursionError)):
                    raise _BeyondLimit from error
        return rendered[condition.key]

    plain = conditions(scenario, sample=sample, seed=seed)
    cases = [case for case in map(case_of, plain) if case is not None]
    check_alike(scenario, cases, findings)
    check_factors(scenario, case_of, seed, findings)
    check_declared(scenario, [case for case in rendered.values() if case is not None], findings)
    cases += [case for case in map(case_of, _isomorphs(scenario)) if case is not None]
    policies = PolicyChecks(scenario, findings)
    replies: dict[str, list[str]] = {}
    for case in cases:
        condition = short(scenario, case.condition)
        check_addresses(scenario, case, condition, findings)
        check_dates(scenario, case, condition, findings)
        policies.check(case, condition)
        _note_replies(case, replies)
    if cases:
        policies.finish()
        _report_replies(scenario, replies, policies.fired, findings)


def _isomorphs(scenario: Scenario) -> list[Condition]:
    if scenario.sections["vars"] is None or "draw" not in repr(scenario.sections["vars"]):
        return []
    default = scenario.default_condition().levels
    return [Condition(levels={**default, "isomorph": str(number)}) for number in range(1, ISOMORPHS + 1)]


def _note_replies(case: Case, replies: dict[str, list[str]]) -> None:
    """Remember of each reply why it is out of reach in this case, or that it is not."""
    try:
        unreachable = dict(unreachable_replies(case))
    except TestbedError:  # an unknown tool: the policies have said so
        return
    for reply in case.world.replies:
        replies.setdefault(reply.id, []).append(unreachable.get(reply.id, ""))


def _report_replies(scenario: Scenario, replies: dict[str, list[str]], fired: set[str], findings: Findings) -> None:
    for reply_id, reasons in replies.items():
        mark = reply_mark(scenario, reply_id)
        if all(reasons):
            findings.add("warning", mark, f"the reply '{reply_id}' can never come: {reasons[0]}.")
        elif reply_id not in fired:
            findings.add("note", mark, f"no policy sets off the reply '{reply_id}'.")
