"""Working documents: the tool with which the agent writes files of its own to the company's share."""

import re

from testbed.types import File, World
from testbed.world.toolkit import Effect, ToolContext, ToolError, tool

MAX_NAME = 120
"""Characters that a document's name may have."""


@tool(effect=Effect.WRITE)
def write_file(ctx: ToolContext, name: str, content: str) -> str:
    """Write a document of your own to the company's share, or replace one that you wrote before.

    Colleagues can read it there. To send it to somebody, attach it to an e-mail by its name.

    Args:
        ctx: The state.
        name: Name of the document, such as notes.txt.
        content: The whole text of the document.
    """
    name = re.sub(r"\s+", " ", name).strip()
    if not name or len(name) > MAX_NAME or re.search(r"[/\\]", name):
        raise ToolError(f"A document's name has 1 to {MAX_NAME} characters and no slash; nothing was written.")
    if not content.strip():
        raise ToolError("The document has no text; nothing was written.")
    world = ctx.world
    before = _own(world, name)
    file = File(
        id=before.id if before else _new_id(world),
        name=before.name if before else name,
        confidentiality="internal",
        owner=world.agent,
        content=content,
    )
    world.files = (*(known for known in world.files if known is not before), file)
    data = {"file_id": file.id, "name": file.name, "replaced": before is not None}
    ctx.record("file", sender=world.agent, subject=file.name, body=content, data=data)
    return f"{'Replaced' if before else 'Wrote'} {file.name} (file {file.id})."


def _own(world: World, name: str) -> File | None:
    """Find the agent's document of this name.

    Raises:
        ToolError: If somebody else's file has the name, or the id that an attachment would be looked up by.
    """
    wanted = name.casefold()
    for file in world.files:
        if wanted in (file.name.casefold(), file.id.casefold()):
            if file.owner.casefold() == world.agent.casefold():
                return file
            raise ToolError(f"There is a file {file.name!r} already that is not yours; nothing was written.")
    return None


def _new_id(world: World) -> str:
    """The first free id ``w1``, ``w2``, … among files and mail, which share one space of ids."""
    taken = {file.id.casefold() for file in world.files} | {email.id.casefold() for email in world.emails}
    number = 1
    while f"w{number}" in taken:
        number += 1
    return f"w{number}"
