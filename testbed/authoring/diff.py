"""Two conditions of a scenario side by side: what differs in what the agent meets."""

from difflib import SequenceMatcher

from rich.console import Console
from rich.table import Table
from rich.text import Text

from testbed.authoring.parts import changed, parts
from testbed.report.sanitize import sanitize
from testbed.scenario.everywhere import NEUTRAL
from testbed.types import Case

_CONTEXT = 1  # unchanged lines that are shown around a changed one


def show_diff(console: Console, first: Case, second: Case) -> bool:
    """Print what differs.

    Returns:
        Whether anything does.
    """
    paths = changed(first, second)
    if not paths:
        console.print(Text("The two conditions are the same case."))
        return False
    one, two = parts(first), parts(second)
    table = Table(expand=True, show_lines=True)
    table.add_column("part", min_width=24, max_width=40, overflow="fold")
    for case in (first, second):
        table.add_column(Text(_short(case, first if case is second else second)), ratio=1, overflow="fold")
    for path in paths:
        left, right = _side(one, path), _side(two, path)
        shown = _lines(left, right) if left and right else (left or "(not there)", right or "(not there)")
        table.add_row(Text(path), *(Text(sanitize(text)) for text in shown))
    console.print(table)
    return True


def _short(case: Case, other: Case) -> str:
    """Name a condition by the levels that the other does not share."""
    levels, others = case.condition.levels, other.condition.levels
    names = [*levels, *(name for name in others if name not in levels)]
    # `isomorph` and `trigger` stand in a condition only where they are not neutral.
    own = [f"{name}={levels.get(name, NEUTRAL.get(name))}" for name in names if levels.get(name) != others.get(name)]
    return " ".join(own) or case.condition.key or case.scenario


def _side(found: dict[str, str], path: str) -> str:
    """The text at a path, or all fields of the item that it names."""
    if path in found:
        return found[path]
    fields = [(name.removeprefix(path + "."), text) for name, text in found.items() if name.startswith(path + ".")]
    return "\n".join(f"{name}: {text}" for name, text in fields)


def _lines(left: str, right: str) -> tuple[str, str]:
    """Keep the lines that differ, with a little context; ``…`` stands for equal lines that are left out."""
    a, b = left.splitlines(), right.splitlines()
    kept: tuple[list[str], list[str]] = ([], [])
    for tag, a1, a2, b1, b2 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag != "equal":
            kept[0].extend(a[a1:a2])
            kept[1].extend(b[b1:b2])
        elif a2 - a1 <= 2 * _CONTEXT + 1:
            kept[0].extend(a[a1:a2])
            kept[1].extend(a[a1:a2])
        else:
            before = a[a1 : a1 + _CONTEXT] if a1 else []
            after = a[a2 - _CONTEXT : a2] if a2 < len(a) else []
            for side in kept:
                side.extend([*before, "…", *after])
    return "\n".join(kept[0]), "\n".join(kept[1])
