"""The ledger: one SQLite file that keeps runs, cases, episodes and verdicts."""

from testbed.store.ledger import Ledger
from testbed.store.records import Card, RunRecord, Tally

__all__ = ["Card", "Ledger", "RunRecord", "Tally"]
