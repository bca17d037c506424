"""What an isomorph re-draws: names, sector, dates and the order of mails, by a seed of its own.

Isomorph 0 is the pack as it is written. Each drawn value has its own random stream, so that a new one leaves the others
as they were.
"""

import random
from datetime import date, timedelta
from typing import Any

from testbed.errors import PackError
from testbed.scenario import common
from testbed.scenario.source import Mark, MarkedDict, MarkedList, plain

_WEEKDAYS_JA = "月火水木金土日"


class Draws:
    """The draws of one isomorph of one pack."""

    def __init__(self, pack: str, isomorph: int) -> None:
        """Set the pack's name and the number of the isomorph."""
        self._pack, self.isomorph = pack, isomorph

    def value(self, name: str, value: Any, mark: Mark) -> Any:  # noqa: ANN401 - any YAML value
        """Turn a var's ``{draw: …}`` or ``{date: …}`` into what it stands for; anything else stays as it is.

        Raises:
            PackError: If it is written wrongly.
        """
        if isinstance(value, MarkedDict) and "draw" in value:
            return self._draw(name, value)
        if isinstance(value, MarkedDict) and "date" in value:
            return self._date(name, value, mark)
        return value

    def order(self, emails: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Let the mails that are marked ``movable`` exchange their times; the mark itself is taken off."""
        movable = [email for email in emails if str(email.get("movable", "")).lower() == "true"]
        times = [email.get("sent_at") for email in movable]
        if self.isomorph:
            self._stream("order").shuffle(times)
        moved = {id(email): time for email, time in zip(movable, times, strict=True)}
        ordered = []
        for email in emails:
            kept = {key: item for key, item in email.items() if key != "movable"}
            ordered.append(kept | ({"sent_at": moved[id(email)]} if id(email) in moved else {}))
        return ordered

    def _stream(self, name: str) -> random.Random:
        return random.Random(f"{self._pack}\0{self.isomorph}\0{name}")  # noqa: S311 - reproducible, no secret

    def _draw(self, name: str, value: MarkedDict) -> Any:  # noqa: ANN401 - any YAML value
        mark = value.marks["draw"]
        source = value.get("from")
        if isinstance(source, MarkedDict) and set(source) == {"common"}:
            source = common.pool(source["common"], source.marks["common"])
        if set(value) != {"draw", "from"} or not isinstance(source, MarkedList):
            raise PackError(f"{mark}: vars.{name}: write {{draw: how many, from: a list}}.")
        count = int(value["draw"]) if str(value["draw"]).isdecimal() else 0
        if not 1 <= count <= len(source):
            raise PackError(f"{mark}: vars.{name}.draw: must be a number from 1 to {len(source)}.")
        items = plain(source)
        written, others = items[:count], items[count:]
        # A re-draw that gave the written ones again would hide contamination: they are left out where the pool allows.
        drawn = others if len(others) >= count else items
        chosen = self._stream(name).sample(drawn, count) if self.isomorph else written
        return chosen[0] if count == 1 else chosen

    def _date(self, name: str, value: MarkedDict, mark: Mark) -> date:
        weeks = value.get("weeks", "0")
        try:
            written, reach = date.fromisoformat(value["date"]), int(weeks)
        except (TypeError, ValueError) as error:
            raise PackError(f"{mark}: vars.{name}: write {{date: 2026-05-12, weeks: 26}}.") from error
        shift = self._stream(name).randint(-reach, reach) if self.isomorph else 0
        return written + timedelta(weeks=shift)


def days(number: int) -> timedelta:
    """Give a number of days, to be added to a date in a template."""
    return timedelta(days=number)


def fmt(value: date, pattern: str) -> str:
    """Write a date by a strftime pattern; ``%-d`` is the day without a leading zero on every system."""
    return value.strftime(pattern.replace("%-d", str(value.day)).replace("%-m", str(value.month)))


def fmt_ja(value: date, weekday: bool = True) -> str:
    """Write a date as in Japan: ``2026年5月12日（火）``."""
    text = f"{value.year}年{value.month}月{value.day}日"
    return f"{text}（{_WEEKDAYS_JA[value.weekday()]}）" if weekday else text
