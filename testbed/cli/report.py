"""``testbed report``: the rates of a ledger as a table, JSON or CSV."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from testbed.cli.options import ledger_path
from testbed.report import RateRow, notes, rows, table, to_csv, to_json
from testbed.store import Ledger


def report_command(
    ledger: Path | None,
    *,
    run_id: str | None,
    scenario: str | None,
    model: str | None,
    all_graders: bool,
    csv: bool,
    json: bool,
) -> None:
    """Print the rates.

    Raises:
        TestbedError: If the ledger cannot be read, or holds no such run.
    """
    with Ledger.open(ledger_path(ledger), create=False) as opened:
        found = rows(opened, run_id=run_id, scenario=scenario, model=model, all_graders=all_graders)
    if json:
        print(to_json(found))
    elif csv:
        print(to_csv(found), end="")
    else:
        print_rows(found)


def print_rows(found: Sequence[RateRow]) -> None:
    """Print the table and the notes that belong to it."""
    console = Console()
    if not found:
        console.print("The ledger holds no episodes that match.")
        return
    console.print(table(found))
    for note in notes(found):
        console.print(f"- {note}", markup=False, highlight=False)
