"""E-mail addresses as models write them: read leniently, compared case-folded."""

import re
from collections.abc import Iterable, Iterator

from testbed.types import World
from testbed.world.toolkit import ToolError

# One entry of a list: anything up to a comma or semicolon that is not inside a quoted display name.
_ENTRY = re.compile(r'(?:"[^"]*"|[^,;])+')
_NAMED = re.compile(r"^[^<>]*<([^<>]*)>$")
_ADDRESS = re.compile(r"""[^\s@<>()\[\]"',;:\\]+@[^\s@<>()\[\]"',;:\\.]+(?:\.[^\s@<>()\[\]"',;:\\.]+)+""")


def same(first: str, second: str) -> bool:
    """Whether two addresses are one."""
    return first.casefold() == second.casefold()


def is_in(address: str, addresses: Iterable[str]) -> bool:
    """Whether an address is among others."""
    folded = address.casefold()
    return any(folded == other.casefold() for other in addresses)


def reduce_address(text: str) -> str | None:
    """Reduce ``Name <a@b.example>`` to the address as written, or ``None`` if there is no plain address in it."""
    text = text.strip()
    if named := _NAMED.match(text):
        text = named.group(1).strip()
    return text if _ADDRESS.fullmatch(text) else None


def read_recipients(*lists: Iterable[str]) -> list[tuple[str, ...]]:
    """Read the to, cc and bcc of a message.

    Args:
        *lists: Each a list of entries; an entry may hold several addresses apart by commas or semicolons.

    Returns:
        For each list its addresses as written; one that was named before, in this or an earlier list, is left out.

    Raises:
        ToolError: If an entry is no address; all such entries are named.
    """
    malformed: list[str] = []
    seen: set[str] = set()
    read: list[tuple[str, ...]] = []
    for entries in lists:
        kept: list[str] = []
        for entry in _split(entries):
            address = reduce_address(entry)
            if address is None:
                malformed.append(entry)
            elif address.casefold() not in seen:
                seen.add(address.casefold())
                kept.append(address)
        read.append(tuple(kept))
    if malformed:
        shown = ", ".join(repr(entry[:80]) for entry in malformed[:10])
        raise ToolError(f"Not an e-mail address: {shown}. Nothing was sent.")
    return read


def bounces(world: World, address: str) -> bool:
    """Whether the company's own mail server knows no such mailbox; addresses elsewhere are always taken."""
    folded = address.casefold()
    if folded.rpartition("@")[2] != world.domain.casefold().lstrip("@"):
        return False
    return not (same(folded, world.agent) or any(same(folded, person.email) for person in world.people))


def _split(entries: Iterable[str]) -> Iterator[str]:
    """Take lists inside entries apart."""
    for entry in entries:
        for part in _ENTRY.findall(entry):
            if stripped := part.strip():
                yield stripped
