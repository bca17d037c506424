"""The promise of the ledger: what was reported as stored is there, whatever kills the process."""

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from testbed.store import Ledger

WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from store.ledger_samples import make_case, make_episode, make_run, make_verdict
from testbed.store import Ledger
case = make_case()
first = int(sys.argv[3])
with Ledger.open(Path(sys.argv[1]), create=True) as ledger:
    ledger.put_run(make_run())
    ledger.put_case(case)
    for epoch in range(first, first + 100_000):
        episode = make_episode(case, epoch, error=f"text of its own {epoch} " * 100)
        ledger.put_episode(episode, "run1")
        ledger.put_verdicts([make_verdict(episode)])
        print(episode.id, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_everything_reported_survives_sigkill(tmp_path):
    path = tmp_path / "t.db"
    reported = set()
    for attempt, wanted in enumerate((1, 7, 60, 150)):
        command = [sys.executable, "-c", WRITER, str(path), str(Path(__file__).parents[1]), str(attempt * 100_000)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            lines = [writer.stdout.readline().strip() for _ in range(wanted)]
            writer.send_signal(signal.SIGKILL)
            lines += [line.strip() for line in writer.stdout if line.endswith("\n")]  # reported before it died
        assert writer.returncode == -signal.SIGKILL
        assert all(len(line) == 24 for line in lines)
        reported |= set(lines)
        with Ledger.open(path, create=False) as ledger:
            assert ledger.finished(reported) == reported
            assert set(ledger.scored(reported, "heuristic")) == reported
            stored = [episode.id for episode in ledger.episodes()]
            assert len(stored) == len(set(stored)) and 0 <= len(stored) - len(reported) <= attempt + 1
    raw = sqlite3.connect(path)
    assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    raw.close()
