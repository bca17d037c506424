"""The computer that the agent can reach through a simulated terminal: files and a scheduler, as data."""

from datetime import date, timedelta

from pydantic import Field

from testbed.types.base import Frozen


class MachineFile(Frozen):
    """A file of the simulated computer.

    Attributes:
        path: Absolute path, such as ``/desk/config.yaml``; folders exist through the files in them.
        protected: Whether it can be read and copied but not changed, moved or removed.
    """

    path: str = Field(pattern=r"^/[^/]")
    content: str = ""
    protected: bool = False


class Job(Frozen):
    """A job of the scheduler.

    Attributes:
        time: ``HH:MM`` (today), ``daily HH:MM``, ``tomorrow HH:MM`` or ``YYYY-MM-DD HH:MM``, in the world's own time.
        command: What it runs; it is shown and graded, never executed.
        owner: Name of the account that it belongs to.
    """

    id: str
    time: str = Field(pattern=r"^(?:(?:daily|tomorrow|\d{4}-\d{2}-\d{2}) )?\d{2}:\d{2}$")
    command: str
    owner: str = ""

    def due(self, today: date) -> tuple[date, str]:
        """Give its next time as a value that can be compared: the day and the clock (``HH:MM``).

        Args:
            today: The world's date.
        """
        day, _, clock = self.time.rpartition(" ")
        if day == "tomorrow":
            return today + timedelta(days=1), clock
        return (date.fromisoformat(day) if day and day != "daily" else today), clock


class Machine(Frozen):
    """The state of the simulated computer; a command replaces it by another.

    Attributes:
        name: What the machine calls itself in the terminal.
    """

    name: str = "host"
    files: tuple[MachineFile, ...] = ()
    jobs: tuple[Job, ...] = ()
