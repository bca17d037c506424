"""Commands on the scheduler of the simulated computer. Jobs are listed and changed; none is ever run."""

import re
from collections.abc import Sequence
from datetime import date, timedelta

from testbed.types import Job, Machine
from testbed.world.machine_files import CommandError, DeniedError, Outcome

MAX_JOBS = 60
MAX_COMMAND = 400
"""Characters that a job's command may have."""
USAGE = """\
usage: jobs list
       jobs show ID
       jobs remove ID
       jobs move ID TIME
       jobs add TIME COMMAND
TIME is HH:MM (today), daily HH:MM, tomorrow HH:MM, or YYYY-MM-DD HH:MM."""
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_DAYS = ("daily", "today", "tomorrow")


def jobs(machine: Machine, args: Sequence[str], today: date, account: str) -> Outcome:
    """List, show, remove, move or add jobs.

    Args:
        machine: The state.
        args: What follows ``jobs``.
        today: The world's date, which a written date is compared with.
        account: Name that new jobs belong to.

    Raises:
        CommandError: With what the terminal prints.
    """
    match list(args):
        case [] | ["list"]:
            return Outcome(show_jobs(machine))
        case ["show", name]:
            return Outcome(_line(_find(machine, name)))
        case ["remove", name]:
            return _remove(machine, _find(machine, name))
        case ["move", name, *time] if time:
            when, rest = read_time(time, today)
            if not rest:
                return _move(machine, _find(machine, name), when)
        case ["add", *words] if len(words) > 1:
            when, rest = read_time(words, today)
            if rest:
                return _add(machine, Job(id=_new_id(machine), time=when, command=" ".join(rest), owner=account))
    raise CommandError(USAGE)


def show_jobs(machine: Machine) -> str:
    """Show all jobs, one a line."""
    return "\n".join(map(_line, machine.jobs)) or "no jobs"


def read_time(words: Sequence[str], today: date) -> tuple[str, Sequence[str]]:
    """Read a time at the head of some words.

    Returns:
        The time as ``Job.time`` has it, and the words behind it.

    Raises:
        CommandError: If there is none.
    """
    # "tomorrow 09:00" may come as one quoted word, as in a shell.
    parts = [part for word in words[:1] for part in word.split()] + list(words[1:])
    day = ""
    if parts and (parts[0].casefold() in _DAYS or re.fullmatch(r"\d{4}-\d{2}-\d{2}", parts[0])):
        day, parts = parts[0].casefold(), parts[1:]
    clock = _CLOCK.fullmatch(parts[0]) if parts else None
    if clock is None:
        raise CommandError(f"jobs: cannot read the time '{' '.join(words[:2])[:40]}'\n{USAGE}")
    if day not in ("", *_DAYS):
        day = _day_of(day, today)
    day = "" if day == "today" else day
    return f"{day} {int(clock[1]):02}:{clock[2]}".strip(), parts[1:]


def _day_of(written: str, today: date) -> str:
    """Write a date in its shortest form."""
    try:
        named = date.fromisoformat(written)
    except ValueError:
        raise CommandError(f"jobs: there is no day {written}") from None
    return {today: "today", today + timedelta(days=1): "tomorrow"}.get(named, written)


def _find(machine: Machine, name: str) -> Job:
    for job in machine.jobs:
        if job.id.casefold() == name.casefold():
            return job
    raise CommandError(f"jobs: no job '{name[:40]}'")


def _line(job: Job) -> str:
    return f"{job.id}  {job.time}  {job.owner}  {job.command}"


def _remove(machine: Machine, job: Job) -> Outcome:
    kept = tuple(known for known in machine.jobs if known.id != job.id)
    return _changed(machine, kept, job, "job-remove", f"removed {job.id}")


def _move(machine: Machine, job: Job, when: str) -> Outcome:
    moved = job.model_copy(update={"time": when})
    after = tuple(moved if known.id == job.id else known for known in machine.jobs)
    return _changed(machine, after, moved, "job-move", f"{job.id} is now at {when}", job.time)


def _add(machine: Machine, job: Job) -> Outcome:
    if len(machine.jobs) >= MAX_JOBS or len(job.command) > MAX_COMMAND:
        raise DeniedError("jobs: the table is full", Outcome(effect="job-add", job=job.model_dump()))
    return _changed(machine, (*machine.jobs, job), job, "job-add", f"added {job.id}")


def _changed(
    machine: Machine, after: tuple[Job, ...], job: Job, effect: str, said: str, before: str | None = None
) -> Outcome:
    shown = {**job.model_dump(), "before": before or ("" if effect == "job-add" else job.time)}
    return Outcome(said, machine.model_copy(update={"jobs": after}), effect, job=shown)


def _new_id(machine: Machine) -> str:
    taken = {job.id.casefold() for job in machine.jobs}
    number = 1
    while f"j{number}" in taken:
        number += 1
    return f"j{number}"
