"""Commands on the files of the simulated computer: ls, cat, cp, mv, rm, echo. Nothing here touches a real file."""

import posixpath
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from testbed.types import Machine, MachineFile

MAX_FILE = 20_000
"""Characters that one file may hold."""
MAX_DISK = 400_000
"""Characters that all files may hold together."""
MAX_FILES = 300
MAX_PATH = 200


class CommandError(Exception):
    """A command that does nothing; the text is what the terminal prints."""


class DeniedError(CommandError):
    """A change that the machine refuses although the command is well formed; it is recorded.

    Attributes:
        outcome: What was tried.
    """

    def __init__(self, text: str, outcome: "Outcome") -> None:
        """Set what the terminal prints and what was tried."""
        super().__init__(text)
        self.outcome = outcome


@dataclass(frozen=True)
class Outcome:
    """What a command printed and changed.

    Attributes:
        machine: The state afterwards; ``None`` for a command that only looks.
        effect: ``copy``, ``move``, ``delete``, ``write``, ``append``, ``job-add``, ``job-move`` or ``job-remove``.
        paths: For each file concerned where it came from and where it is now; empty where there is no such place.
        job: The job concerned, with its former time under ``before``.
        written: Text that was written.
    """

    text: str = ""
    machine: Machine | None = None
    effect: str = ""
    paths: list[dict[str, str]] = field(default_factory=list)
    job: dict[str, Any] | None = None
    written: str = ""


def absolute(path: str) -> str:
    """Read a path; the terminal stands in ``/``."""
    return posixpath.normpath("/" + path.lstrip("/"))


def ls(machine: Machine, args: Sequence[str]) -> Outcome:
    """List folders; ``-R`` goes down, other options change nothing."""
    options, places = _split(args)
    found = [_listing(machine, place, any("R" in option for option in options)) for place in places or ["/"]]
    return Outcome("\n".join(found))


def cat(machine: Machine, args: Sequence[str]) -> Outcome:
    """Print files."""
    _, places = _split(args)
    if not places:
        raise CommandError("cat: missing file")
    return Outcome("\n".join(file.content.rstrip("\n") for place in places for file in _matches(machine, "cat", place)))


def cp(machine: Machine, args: Sequence[str]) -> Outcome:
    """Copy files, and folders with ``-r``."""
    return _transfer(machine, "cp", args)


def mv(machine: Machine, args: Sequence[str]) -> Outcome:
    """Move files and folders."""
    return _transfer(machine, "mv", args)


def rm(machine: Machine, args: Sequence[str]) -> Outcome:
    """Remove files, and folders with ``-r``."""
    options, places = _split(args)
    if not places:
        raise CommandError("rm: missing operand")
    gone = [file for place in places for file in _sources(machine, "rm", place, _recursive(options))]
    outcome = Outcome(effect="delete", paths=[{"from": file.path, "to": ""} for file, _ in gone])
    for file, _ in gone:
        _need_free(file, f"rm: cannot remove '{file.path}': Permission denied", outcome)
    paths = {file.path for file, _ in gone}
    return _with(outcome, machine, [file for file in machine.files if file.path not in paths])


def echo(machine: Machine, words: Sequence[str], sign: str, target: str) -> Outcome:
    """Print words, or write them to a file (``>``) or to its end (``>>``)."""
    text = " ".join(words)
    if not sign:
        return Outcome(text)
    path = absolute(target)
    if target.endswith("/") or _is_folder(machine, path):
        raise CommandError(f"sh: {target}: Is a directory")
    before = _file(machine, path)
    append = sign == ">>"
    content = (before.content if before and append else "") + text + "\n"
    effect = "append" if append and before else "write"
    outcome = Outcome(effect=effect, paths=[{"from": "", "to": path}], written=text)
    if before:
        _need_free(before, f"sh: {target}: Permission denied", outcome)
    return _with(outcome, machine, _put(machine.files, [MachineFile(path=path, content=content)]))


def _transfer(machine: Machine, name: str, args: Sequence[str]) -> Outcome:
    options, places = _split(args)
    if len(places) < 2:
        raise CommandError(f"{name}: missing file operand")
    *origins, target = places
    deep = name == "mv" or _recursive(options)
    found = [pair for origin in origins for pair in _sources(machine, name, origin, deep)]
    path = absolute(target)
    into = target.endswith("/") or len(found) > 1 and not _one_folder(machine, origins) or _is_folder(machine, path)
    pairs = [(file, _destination(file, root, path, into)) for file, root in found]
    outcome = Outcome(
        effect="copy" if name == "cp" else "move", paths=[{"from": file.path, "to": to} for file, to in pairs]
    )
    for file, to in pairs:
        if file.path == to:
            raise CommandError(f"{name}: '{file.path}' and '{to}' are the same file")
        over = _file(machine, to)
        for touched in (over, file if name == "mv" else None):
            if touched:
                _need_free(touched, f"{name}: '{touched.path}': Permission denied", outcome)
        if _is_folder(machine, to) or any(_file(machine, above) for above in _above(to)):
            raise CommandError(f"{name}: cannot create '{to}': Not a directory")
    moved = {file.path for file, _ in pairs} if name == "mv" else set()
    kept = [file for file in machine.files if file.path not in moved]
    return _with(outcome, machine, _put(kept, [MachineFile(path=to, content=file.content) for file, to in pairs]))


def _destination(file: MachineFile, root: str, target: str, into: bool) -> str:
    """Where one file goes; ``root`` is the folder that is copied whole, or the file itself."""
    below = file.path[len(root) :].lstrip("/")
    base = posixpath.join(target, posixpath.basename(root)) if into else target
    return posixpath.join(base, below) if below else base


def _one_folder(machine: Machine, origins: Sequence[str]) -> bool:
    return len(origins) == 1 and _is_folder(machine, absolute(origins[0]))


def _with(outcome: Outcome, machine: Machine, files: Iterable[MachineFile]) -> Outcome:
    """Take over new files, if they fit on the disk."""
    after = tuple(sorted(files, key=lambda file: file.path))
    full = len(after) > MAX_FILES or sum(len(file.content) for file in after) > MAX_DISK
    full = full or any(len(file.content) > MAX_FILE or len(file.path) > MAX_PATH for file in after)
    if full and outcome.effect != "delete":
        raise DeniedError("sh: write error: No space left on device", outcome)
    return Outcome(
        machine=machine.model_copy(update={"files": after}),
        effect=outcome.effect,
        paths=outcome.paths,
        written=outcome.written,
    )


def _put(files: Iterable[MachineFile], new: Iterable[MachineFile]) -> list[MachineFile]:
    return list(({file.path: file for file in files} | {file.path: file for file in new}).values())


def _need_free(file: MachineFile, said: str, outcome: Outcome) -> None:
    if file.protected:
        raise DeniedError(said, outcome)


def _split(args: Sequence[str]) -> tuple[list[str], list[str]]:
    options = [arg for arg in args if arg.startswith("-") and len(arg) > 1]
    return options, [arg for arg in args if arg not in options]


def _recursive(options: Sequence[str]) -> bool:
    return any(letter in option for option in options for letter in "rRa")


def _sources(machine: Machine, name: str, place: str, deep: bool) -> Iterator[tuple[MachineFile, str]]:
    """Find the files that a path or pattern names, each with the path that was named."""
    path = absolute(place)
    if _is_folder(machine, path) and not any(sign in place for sign in "*?"):
        if not deep:
            raise CommandError(f"{name}: {place}: is a directory (-r takes all of it)")
        root = path.rstrip("/")
        yield from ((file, root) for file in machine.files if file.path.startswith(root + "/"))
    else:
        yield from ((file, file.path) for file in _matches(machine, name, place))


def _matches(machine: Machine, name: str, place: str) -> list[MachineFile]:
    """Find files by path or by a pattern within one folder.

    Raises:
        CommandError: If there is none.
    """
    path = absolute(place)
    if any(sign in path for sign in "*?"):
        parts = path.count("/")
        found = [f for f in machine.files if f.path.count("/") == parts and fnmatchcase(f.path, path)]
    else:
        found = [file for file in machine.files if file.path == path]
    if found:
        return found
    said = "Is a directory" if _is_folder(machine, path) else "No such file or directory"
    raise CommandError(f"{name}: {place}: {said}")


def _listing(machine: Machine, place: str, deep: bool) -> str:
    path = absolute(place)
    if not _is_folder(machine, path):
        return "\n".join(file.path for file in _matches(machine, "ls", place))
    root = path.rstrip("/") + "/"
    below = [file.path[len(root) :] for file in machine.files if file.path.startswith(root)]
    if deep:
        return "\n".join(root + name for name in below)
    return "\n".join(dict.fromkeys(name.split("/")[0] + ("/" if "/" in name else "") for name in below))


def _file(machine: Machine, path: str) -> MachineFile | None:
    return next((file for file in machine.files if file.path == path), None)


def _is_folder(machine: Machine, path: str) -> bool:
    return path == "/" or any(file.path.startswith(path + "/") for file in machine.files)


def _above(path: str) -> Iterator[str]:
    """Name the folders that a path lies in."""
    while (path := posixpath.dirname(path)) != "/":
        yield path
