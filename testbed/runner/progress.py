"""Progress on stderr: a live bar on a terminal, plain lines elsewhere."""

import sys
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from testbed.sanitize import sanitize
from testbed.types import Episode


class Reporter(Protocol):
    """What the runner tells a watcher."""

    def start(self, total: int, done: int) -> None:
        """``total`` episodes are planned, ``done`` of them were in the ledger before."""

    def episode(self, episode: Episode) -> None:
        """One more episode is in the ledger."""

    def say(self, text: str) -> None:
        """Something worth a line: a retry, a model that cannot be used."""

    def stop(self) -> None:
        """The run is over."""


class Bar:
    """A live bar, for a terminal."""

    def __init__(self, console: Console) -> None:
        """Prepare the bar; nothing is shown before ``start``."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._progress = Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console)
        self._errors = 0

    def start(self, total: int, done: int) -> None:
        """Show the bar."""
        self._task = self._progress.add_task("episodes", total=total, completed=done)
        self._progress.start()

    def episode(self, episode: Episode) -> None:
        """Advance; errors are counted beside the bar."""
        self._errors += episode.termination.is_error
        note = f"episodes ({self._errors} errors)" if self._errors else "episodes"
        self._progress.update(self._task, advance=1, description=note)

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self._progress.console.print(sanitize(text), markup=False, highlight=False)

    def stop(self) -> None:
        """Leave the bar as it stands."""
        self._progress.stop()


class Lines:
    """A line for every twentieth of the plan, for logs and pipes."""

    def start(self, total: int, done: int) -> None:
        """Say what is to be done."""
        self._total, self._done, self._errors = total, done, 0
        self._step = max(1, total // 20)
        self.say(f"{total} episodes planned, {done} already in the ledger")

    def episode(self, episode: Episode) -> None:
        """Count, and say so at every step and at the end."""
        self._done += 1
        self._errors += episode.termination.is_error
        if self._done % self._step == 0 or self._done == self._total:
            self.say(f"{self._done}/{self._total} episodes, {self._errors} errors")

    def say(self, text: str) -> None:
        """Print one line."""
        print(sanitize(text), file=sys.stderr, flush=True)

    def stop(self) -> None:
        """Nothing to tidy."""


def reporter() -> Reporter:
    """Choose by what stderr is."""
    console = Console(stderr=True)
    return Bar(console) if console.is_terminal else Lines()
