"""Which tags belong together in a text that a model wrote by hand: the closing tag of each opening one, if any.

A tag that is only mentioned ("<forward_email> is tempting") has no closing tag of its own, and a tag that is quoted
inside a closed field is text. So opening and closing tags of one name are balanced, and closed fields are stepped over.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag; ``alone`` for ``<name/>``. ``start`` and ``end`` are offsets in the text."""

    name: str
    start: int
    end: int
    closes: bool
    alone: bool


class Tags:
    """The tags of some names in a text, in order."""

    def __init__(self, text: str, tools: Collection[str], fields: Collection[str]) -> None:
        """Find them.

        Args:
            text: The text.
            tools: Names of the tools on offer.
            fields: Names of their fields; what stands in a closed field is no tag.
        """
        self._tools = frozenset(tools)
        self.all = _find(text, {*tools, *fields})
        self._field_end = _pairs([(i, tag) for i, tag in enumerate(self.all) if tag.name not in self._tools])
        self._last_closing = {tag.name: i for i, tag in enumerate(self.all) if tag.closes}

    def opens_tool(self, index: int) -> bool:
        """Whether a tag is the opening one of a tool."""
        tag = self.all[index]
        return tag.name in self._tools and not tag.closes

    def closing(self, index: int) -> int | None:
        """Find the tag that closes an opening one, by index; None if there is none."""
        name, depth = self.all[index].name, 1
        at = self._next(index + 1)
        # Models that repeat themselves without end open many tags and close none: do not look for each.
        while at <= self._last_closing.get(name, -1):
            tag = self.all[at]
            if tag.name == name and not tag.alone:
                depth += -1 if tag.closes else 1
            if depth == 0:
                return at
            at = self._next(at + 1)
        return None

    def next_tool(self, index: int) -> int:
        """Find the next opening tag of a tool that is not inside a closed field; the number of tags if none."""
        at = self._next(index + 1)
        while at < len(self.all) and not self.opens_tool(at):
            at = self._next(at + 1)
        return at

    def _next(self, at: int) -> int:
        """Step over the fields that are opened here and closed."""
        while at in self._field_end:
            at = self._field_end[at] + 1
        return at


def _find(text: str, names: Collection[str]) -> list[Tag]:
    if not names:
        return []
    # The longer name first: of two names where one begins the other, the whole one is meant.
    choice = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    found = re.finditer(rf"<(/?)({choice})\b[^<>]*>", text, re.IGNORECASE)
    return [Tag(m[2].lower(), m.start(), m.end(), bool(m[1]), not m[1] and m[0].endswith("/>")) for m in found]


def _pairs(tags: Collection[tuple[int, Tag]]) -> dict[int, int]:
    """Pair opening with closing tags of the same name, the innermost first."""
    opened: dict[str, list[int]] = {}
    pairs: dict[int, int] = {}
    for index, tag in tags:
        if tag.closes and opened.get(tag.name):
            pairs[opened[tag.name].pop()] = index
        elif not tag.closes and not tag.alone:
            opened.setdefault(tag.name, []).append(index)
    return pairs
