"""What the linter has to say, gathered so that one mistake is told once and not in every condition."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]
_ORDER: dict[str, int] = {"error": 0, "warning": 1, "note": 2}


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Attributes:
        severity: ``error``: the pack cannot be used as it is; ``warning``: very likely a mistake; ``note``: for the
            author's information, never a reason to fail.
        where: ``file:line`` within the pack, or what part of the case it is about.
        text: One sentence.
        conditions: In how many of the checked conditions it holds, 0 where that does not apply.
        first: The first of these conditions.
    """

    severity: Severity
    where: str
    text: str
    conditions: int = 0
    first: str = ""

    def line(self) -> str:
        """The finding as one line."""
        where = f"{self.where}: " if self.where else ""
        when = ""
        if self.first:
            more = f" and {self.conditions - 1} more" if self.conditions > 1 else ""
            when = f" [{self.first}{more}]"
        return f"{self.severity}: {where}{self.text}{when}"


class Findings:
    """Collects findings."""

    def __init__(self) -> None:
        """Start with none."""
        self._found: dict[tuple[Severity, str, str], list[str]] = {}

    def add(self, severity: Severity, where: object, text: str, condition: str = "") -> None:
        """Add one; the same one in a further condition is only counted."""
        seen = self._found.setdefault((severity, str(where), text), [])
        if condition:
            seen.append(condition)

    def sorted(self) -> list[Finding]:
        """List them, errors first."""
        found = [
            Finding(severity, where, text, len(seen), seen[0] if seen else "")
            for (severity, where, text), seen in self._found.items()
        ]
        return sorted(found, key=lambda finding: _ORDER[finding.severity])
