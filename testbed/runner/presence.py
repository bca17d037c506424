"""Which process plays a run, so that two runs do not pay for the same episodes at the same time.

A run that was killed leaves no trace of its death in the ledger; whether its process still lives tells.
"""

import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from testbed.errors import TestbedError
from testbed.store import Ledger, RunRecord


def this_process() -> dict[str, Any]:
    """Describe this process: host, process id, and (where the system tells) when it was started."""
    return {"host": platform.node(), "pid": os.getpid(), "started": _started(os.getpid())}


def lives(process: dict[str, Any]) -> bool:
    """Whether a described process is still running; one of another host is taken to be gone."""
    pid = process.get("pid")
    if process.get("host") != platform.node() or not isinstance(pid, int):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's process: it lives
    return _started(pid) == process.get("started")


def refuse_twin(ledger: Ledger, own: RunRecord, planned: Sequence[str]) -> None:
    """Refuse to start while another living run plays some of the same missing episodes.

    Args:
        ledger: With the own run and its plan already in it, so that of two that start together one sees the other.
        own: This run.
        planned: Ids of its episodes.

    Raises:
        TestbedError: The other run came first; the own one is taken out of the ledger again.
    """
    missing = set(planned) - ledger.finished(planned)
    for other in ledger.runs():
        first = (other.created_at, other.id) < (own.created_at, own.id)
        if other.id == own.id or other.status != "running" or not first or not lives(other.software.get("process", {})):
            continue
        shared = missing & ledger.planned(other.id)
        if shared:
            ledger.remove_run(own.id)
            process = other.software["process"]["pid"]
            raise TestbedError(
                f"Run {other.id} (process {process}) is playing {len(shared)} of these episodes now. "
                "Wait until it has ended, or use another --ledger."
            )


def _started(pid: int) -> str:
    """Read when a process was started, in the kernel's ticks: a process id may be given out again."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]
