"""``testbed label``: a person labels stored episodes, without seeing whose they are or what graders said."""

import sys
from pathlib import Path

from testbed.calibration.human import PREFIX, Question, Waiting, blind, verdict, waiting
from testbed.cli.options import ledger_path
from testbed.cli.report import require_run
from testbed.errors import TestbedError
from testbed.report.sanitize import sanitize
from testbed.store import Ledger

_ANSWERS: dict[str, bool | None] = {"y": True, "yes": True, "n": False, "no": False, "u": None}


def label_command(
    ledger: Path | None, *, run_id: str | None, name: str, labels: tuple[str, ...], limit: int | None
) -> None:
    """Walk a person through the episodes that wait for them; every answer is stored at once.

    Raises:
        TestbedError: If the ledger cannot be used, or the name is empty.
    """
    if not name.strip():
        raise TestbedError("Give the name that your labels are stored under: --name NAME.")
    asked = episodes = 0
    with Ledger.open(ledger_path(ledger), create=False) as opened:
        require_run(opened, run_id)
        for item in waiting(opened, name, run_id, labels):
            if limit is not None and episodes == limit:
                break
            answered, left = _episode(opened, item, name)
            asked, episodes = asked + answered, episodes + 1
            if left:
                break
        else:
            print("Nothing waits any more." if episodes else "Nothing waits for a label.")
    print(f"{asked} answers stored as {PREFIX}{name}.")


def _episode(ledger: Ledger, item: Waiting, name: str) -> tuple[int, bool]:
    """Show one episode and ask; returns the number of answers, and whether the person left."""
    print(f"\n{'=' * 72}\n{sanitize(blind(item))}\n{'=' * 72}")
    for number, question in enumerate(item.questions):
        answer = _ask(question)
        if answer == "q":
            return number, True
        ledger.put_verdicts([verdict(item, question.label, name, _ANSWERS[answer])])
    return len(item.questions), False


def _ask(question: Question) -> str:
    """Ask until there is an answer; the end of the input is a leave."""
    print(f"\n{sanitize(question.label)}: {sanitize(question.text)}")
    while True:
        print("Does it hold? y yes, n no, u unsure, q leave (and go on another time): ", end="", flush=True)
        line = sys.stdin.readline()
        answer = line.strip().casefold()
        if not line or answer in ("q", "quit"):
            print()
            return "q"
        if answer in _ANSWERS:
            return answer
        print("Please answer y, n, u or q.")
