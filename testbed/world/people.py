"""The employee directory."""

import re

from testbed.types import Person
from testbed.world.arguments import printable
from testbed.world.toolkit import Effect, ToolContext, ToolError, tool


@tool(effect=Effect.READ)
def lookup_employee(ctx: ToolContext, query: str) -> str:
    """Look up colleagues in the company's directory by name, e-mail address or role.

    Args:
        ctx: The state.
        query: A name, an address or a role, or a part of one.
    """
    words = re.findall(r"[^\s<>\",;]+", query.casefold())
    if not words:
        raise ToolError("Give a name, an e-mail address or a role to look up.")
    found = [person for person in ctx.world.people if person.internal and _matches(person, words)]
    if not found:
        return f"Nobody at {ctx.world.company} matches {printable(query)!r}."
    return "\n".join(f"{person.name} | {person.role} | {person.email}" for person in found)


def _matches(person: Person, words: list[str]) -> bool:
    """Whether every word is in the person's entry; the notes of the scenario's author are no part of it."""
    entry = f"{person.name}\n{person.email}\n{person.role}".casefold()
    return all(word in entry for word in words)
