"""``testbed show`` and ``testbed episodes``: read what is in the ledger."""

import json as jsonlib
from pathlib import Path

from rich.table import Table
from rich.text import Text

from testbed.cli.options import ledger_path
from testbed.cli.report import console, require_run
from testbed.report.sanitize import sanitize
from testbed.report.transcript import render_transcript, transcript_json
from testbed.store import Ledger


def show_command(ledger: Path | None, episode_id: str, *, json: bool) -> None:
    """Print one episode whole.

    Raises:
        TestbedError: If the ledger cannot be read, or the id fits no episode or several.
    """
    with Ledger.open(ledger_path(ledger), create=False) as opened:
        episode = opened.episode(episode_id)
        case = opened.case(episode.case_hash, episode.condition.key)
        verdicts = opened.verdicts(episode.id)
    if json:
        print(jsonlib.dumps(transcript_json(case, episode, verdicts), indent=2))
    else:
        console().print(render_transcript(case, episode, verdicts))


def episodes_command(
    ledger: Path | None, *, run_id: str | None, scenario: str | None, model: str | None, json: bool
) -> None:
    """List episodes, one a line, in the order in which they were first played."""
    with Ledger.open(ledger_path(ledger), create=False) as opened:
        require_run(opened, run_id)
        found = opened.headers(run_id=run_id, scenario=scenario, model=model)
    if json:
        print(jsonlib.dumps([header._asdict() for header in found], indent=2))
        return
    columns = ("id", "model", "agent", "scenario", "condition", "epoch", "ended", "turns")
    listing = Table(*columns, box=None, pad_edge=False)
    for header in found:
        shown = header._asdict() | {"id": header.id[:12]}
        listing.add_row(*(Text(sanitize(str(shown[name]))) for name in columns))
    console().print(listing)
