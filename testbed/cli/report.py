"""``testbed report``: the rates of a ledger as a table, JSON or CSV."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from testbed.cli.options import ledger_path
from testbed.errors import TestbedError
from testbed.report.rates import RateRow, rows
from testbed.report.render import notes, table, to_csv, to_json
from testbed.store import Ledger

# A table that is piped into a file or a pager is not squeezed into 80 columns.
PIPED_WIDTH = 140


def report_command(
    ledger: Path | None,
    *,
    run_id: str | None,
    scenario: str | None,
    model: str | None,
    all_graders: bool,
    all_labels: bool,
    csv: bool,
    json: bool,
    published: bool = False,
    corrected: bool = False,
) -> None:
    """Print the rates, with ``published`` beside those of publications, with ``corrected`` freed of known errors.

    Raises:
        TestbedError: If the ledger cannot be read, or holds no such run.
    """
    if published and corrected:
        raise TestbedError("--published and --corrected cannot be combined: published rates are raw.")
    with Ledger.open(ledger_path(ledger), create=False) as opened:
        require_run(opened, run_id)
        found = rows(
            opened, run_id=run_id, scenario=scenario, model=model, all_graders=all_graders, all_labels=all_labels
        )
        if corrected:
            found = _corrected(opened, found)
    if published:
        _print_beside(found, csv=csv, json=json)
    elif json:
        print(to_json(found))
    elif csv:
        print(to_csv(found), end="")
    else:
        print_rows(found)


def _corrected(ledger: Ledger, found: Sequence[RateRow]) -> list[RateRow]:
    from testbed.calibration.versions import Versions
    from testbed.report.corrected import correct

    return [*correct(found, ledger.cards(), Versions(ledger).fault)]


def _print_beside(found: Sequence[RateRow], *, csv: bool, json: bool) -> None:
    from testbed.published import load_published
    from testbed.report import published as report

    items = report.beside(found, load_published())
    if json:
        print(report.to_json_beside(found, items))
    elif csv:
        print(report.to_csv_beside(found, items), end="")
    else:
        print_rows(found)
        out = console()
        if any(items):
            out.print()
            out.print(report.published_table(items))
        for note in report.published_notes(items):
            out.print(f"- {note}", markup=False, highlight=False)


def print_rows(found: Sequence[RateRow]) -> None:
    """Print the table and the notes that belong to it."""
    out = console()
    if not found:
        out.print("The ledger holds no episodes that match.")
        return
    out.print(table(found, width=out.width))
    for note in notes(found):
        out.print(f"- {note}", markup=False, highlight=False)


def console() -> Console:
    """Make a console for stdout: the terminal's width, or a fixed one when piped."""
    out = Console()
    return out if out.is_terminal else Console(width=PIPED_WIDTH)


def require_run(ledger: Ledger, run_id: str | None) -> None:
    """Refuse the id of a run that is not in the ledger, rather than report nothing.

    Raises:
        TestbedError: The message names the newest run.
    """
    if run_id is not None and run_id not in {run.id for run in ledger.runs()}:
        newest = ledger.latest_run_id()
        raise TestbedError(f"The ledger has no run '{run_id}'. The newest is {newest or 'none: it holds no run'}.")
