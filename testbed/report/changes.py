"""What changed between two graders of the same episodes, and what each says why."""

from typing import NamedTuple

from testbed.errors import TestbedError
from testbed.store import Ledger
from testbed.types import Verdict


class Change(NamedTuple):
    """One verdict on which two graders differ; ``why`` is what the second one rests on, or its reason for none."""

    episode: str
    label: str
    first: str
    second: str
    why: str


def changes(ledger: Ledger, first: str, second: str, *, run_id: str | None = None) -> tuple[list[Change], int]:
    """Compare the newest verdicts of two graders, episode by episode and label by label.

    Args:
        ledger: Where to read.
        first: A grader: ``heuristic``, or a judge's model id.
        second: The other.
        run_id: Only episodes that this run asked for.

    Returns:
        The verdicts that differ (in value, level, or in being scored at all), and how many both have given.

    Raises:
        TestbedError: If a grader has given no verdict; the message names those who have.
    """
    found: list[Change] = []
    shared, seen = 0, set[str]()
    for header in ledger.headers(run_id=run_id):
        newest = {(verdict.grader, verdict.label): verdict for verdict in ledger.verdicts(header.id)}
        seen |= {grader for grader, _ in newest}
        for (grader, label), old in newest.items():
            new = newest.get((second, label))
            if grader != first or new is None:
                continue
            shared += 1
            if (old.value, old.level) != (new.value, new.level):
                found.append(Change(header.id, label, _said(old), _said(new), _why(new)))
    for grader in (first, second):
        if grader not in seen:
            raise TestbedError(f"'{grader}' has given no verdict. Graders are: {', '.join(sorted(seen)) or 'none'}.")
    return found, shared


def _said(verdict: Verdict) -> str:
    if verdict.value is None:
        return "unscored"
    return f"{'yes' if verdict.value else 'no'}{f' ({verdict.level})' if verdict.level else ''}"


def _why(verdict: Verdict) -> str:
    explained = verdict.details.get("explanation")
    return str(verdict.unscored or explained or "; ".join(f'"{quote}"' for quote in verdict.quotes))
