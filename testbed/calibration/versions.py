"""Whether a calibration card still speaks for the verdicts of a ledger: same code, prompt, model and settings."""

from testbed.calibration.measure import NEUTRAL
from testbed.errors import TestbedError
from testbed.scoring import Scorer, build_scorers, panel_of
from testbed.scoring.panel import Panel
from testbed.store import Card, Ledger

OTHER_VERSION = "the card is of another version of the grader: run `testbed calibrate` again, or score again"


class Versions:
    """Compares cards with the verdicts of one ledger."""

    def __init__(self, ledger: Ledger) -> None:
        """Read which cases the ledger has."""
        self._ledger = ledger
        self._cases: dict[tuple[str, str], set[str]] = {}
        for header in ledger.headers():
            self._cases.setdefault((header.scenario, header.condition), set()).add(header.case)
        self._hashes: dict[str, dict[tuple[str, str], set[str]]] = {}
        self._graders: dict[str, Scorer | Panel | None] = {}

    def fault(self, card: Card, scenario: str, condition: str) -> str:
        """Say why a card does not speak for a grader's verdicts on a condition; empty if it does."""
        grader = self._grader(card)
        if grader is None or grader.version(NEUTRAL) != card.family:
            return OTHER_VERSION
        if card.grader not in self._hashes:
            self._hashes[card.grader] = self._ledger.scorer_hashes(card.grader)
        key = (scenario, condition)
        current = {grader.version(self._ledger.case(case, condition)) for case in self._cases.get(key, ())}
        return "" if self._hashes[card.grader].get(key, set()) <= current else OTHER_VERSION

    def _grader(self, card: Card) -> Scorer | Panel | None:
        """Build the card's grader as this version of the testbed has it; nobody is asked."""
        if card.created_at not in self._graders:
            try:
                scorers = build_scorers(card.judges, view=card.view)
            except TestbedError:
                scorers = []
            panel = panel_of(scorers)
            known: list[Scorer | Panel] = [*scorers, *([panel] if panel else [])]
            self._graders[card.created_at] = next((one for one in known if one.grader == card.grader), None)
        return self._graders[card.created_at]
