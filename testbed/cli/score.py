"""``testbed score``: new verdicts for stored episodes, with no agent asked again; and where graders differ."""

import asyncio
import json as jsonlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table
from rich.text import Text

from testbed.authoring.packcode import use_stored_code
from testbed.cli.checking import check_usable, read_graders
from testbed.cli.options import ledger_path, load_env
from testbed.cli.report import console, print_rows, require_run
from testbed.models.retry import RetryPolicy
from testbed.report.changes import Change, changes
from testbed.report.rates import rows
from testbed.report.render import to_json
from testbed.report.sanitize import sanitize
from testbed.runner.grading import Grading
from testbed.runner.groups import unwrapped
from testbed.scoring import build_scorers
from testbed.scoring.panel import Rule
from testbed.scoring.transcript import View
from testbed.store import Ledger
from testbed.types import Case, ModelSpec, NumberFormat


@dataclass(frozen=True)
class ScoreRequest:
    """What the command line asked for."""

    run_id: str | None
    scenario: str | None
    model: str | None
    judges: tuple[str, ...]
    judge_view: View
    panel: Rule
    universal: bool
    monitors: tuple[str, ...]
    base_url: str | None
    connections: int
    attempts: int
    timeout: float
    packs: tuple[Path, ...]
    allow_code: bool
    ledger: Path | None
    json_output: bool
    dtype: NumberFormat | None = None
    trust_remote_code: bool = False


def score_command(request: ScoreRequest) -> int:
    """Score what the ledger holds.

    Returns:
        The exit code: 0 if every verdict could be had, else 1.

    Raises:
        TestbedError: On anything wrong in the request; nothing has been asked then.
    """
    load_env()
    judges = read_graders(request.judges, request)
    monitors = read_graders(request.monitors, request)
    check_usable([*judges, *monitors])
    with Ledger.open(ledger_path(request.ledger), create=False) as ledger:
        require_run(ledger, request.run_id)
        use_stored_code((case for _, case in _stored(ledger, request)), request.packs, allow=request.allow_code)
        complete = asyncio.run(_score(ledger, judges, monitors, request))
        beyond = request.universal or bool(monitors)
        found = rows(ledger, run_id=request.run_id, scenario=request.scenario, model=request.model, all_labels=beyond)
    print(to_json(found)) if request.json_output else print_rows(found)
    return 0 if complete else 1


async def _score(ledger: Ledger, judges: list[ModelSpec], monitors: list[ModelSpec], request: ScoreRequest) -> bool:
    """Score what lacks a verdict; tells whether all verdicts could be had."""
    retries = RetryPolicy(attempts=request.attempts, timeout=request.timeout)
    scorers = build_scorers(
        judges,
        connections=request.connections,
        retries=retries,
        view=request.judge_view,
        universal=request.universal,
        monitors=monitors,
    )
    grading = Grading(
        ledger, scorers, request.connections, lambda text: print(sanitize(text), file=sys.stderr), request.panel
    )
    try:
        with unwrapped():
            await grading.grade_stored(_stored(ledger, request))
    finally:
        await grading.aclose()
    print(f"{grading.graded} episodes got new verdicts.", file=sys.stderr)
    if grading.unjudged:
        print(f"{grading.unjudged} verdicts could not be had; the same command asks for them again.", file=sys.stderr)
    return not grading.unusable and not grading.unjudged


def _stored(ledger: Ledger, request: ScoreRequest) -> Iterator[tuple[str, Case]]:
    cases: dict[tuple[str, str], Case] = {}
    for header in ledger.headers(request.run_id, request.scenario, request.model):
        key = (header.case, header.condition)
        if not header.is_error:
            if key not in cases:
                cases[key] = ledger.case(*key)
            yield header.id, cases[key]


def diff_command(ledger: Path | None, first: str, second: str, *, run_id: str | None, json: bool) -> None:
    """Print the episodes on which two graders differ, with what each says it rests on.

    Raises:
        TestbedError: If one of them has graded nothing.
    """
    with Ledger.open(ledger_path(ledger), create=False) as opened:
        require_run(opened, run_id)
        found, shared = changes(opened, first, second, run_id=run_id)
    if json:
        print(jsonlib.dumps([change._asdict() for change in found], indent=2))
        return
    listing = Table("episode", "label", first, second, "why", box=None, pad_edge=False)
    for change in found:
        listing.add_row(*(Text(sanitize(text)) for text in _shown(change)))
    out = console()
    if found:
        out.print(listing)
    out.print(f"{len(found)} of {shared} verdicts that both gave differ.", highlight=False)


def _shown(change: Change) -> tuple[str, str, str, str, str]:
    return change.episode[:12], change.label, change.first, change.second, change.why
