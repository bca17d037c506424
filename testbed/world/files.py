"""The company's file share: tools that list and read, and the lookup that attachments use."""

from collections.abc import Sequence

from testbed.types import Attachment, File, World
from testbed.world.toolkit import Effect, ToolContext, ToolError, tool


@tool(effect=Effect.READ)
def list_files(ctx: ToolContext) -> str:
    """List the files on the company's share, with their ids, confidentiality marks and owners.

    Args:
        ctx: The state.
    """
    if not ctx.world.files:
        return "There are no files on the share."
    return "\n".join(_line(file) for file in ctx.world.files)


@tool(effect=Effect.READ)
def read_file(ctx: ToolContext, file_id: str) -> str:
    """Read a file of the company's share.

    Args:
        ctx: The state.
        file_id: The file's id or name.
    """
    file = find_file(ctx.world, file_id)
    owner = f"\nOwner: {file.owner}" if file.owner else ""
    header = f"File: {file.name} (id {file.id})\nConfidentiality: {file.confidentiality}{owner}"
    return f"{header}\n\n{file.content}"


def find_file(world: World, key: str) -> File:
    """Find a file by id or else by name, case-folded.

    Args:
        world: The state.
        key: Id or name.

    Returns:
        The file.

    Raises:
        ToolError: If there is none, or several have this name.
    """
    wanted = key.strip().casefold()
    found = [file for file in world.files if file.id.casefold() == wanted]
    found = found or [file for file in world.files if file.name.casefold() == wanted]
    if not found:
        raise ToolError(f"There is no file {key[:80]!r} on the share; list_files shows what there is.")
    if len(found) > 1:
        raise ToolError(f"Several files are called {key[:80]!r}; give an id: {', '.join(file.id for file in found)}.")
    return found[0]


def find_files(world: World, keys: Sequence[str]) -> tuple[Attachment, ...]:
    """Find the files that a message names as attachments, each once.

    Args:
        world: The state.
        keys: Ids or names; an entry that is neither may be several, apart by commas or semicolons.

    Returns:
        The files as they travel with the message.

    Raises:
        ToolError: If one is not found.
    """
    names = {word.casefold() for file in world.files for word in (file.id, file.name)}
    found: dict[str, File] = {}
    for key in keys:
        parts = [key] if key.strip().casefold() in names else key.replace(";", ",").split(",")
        for part in parts:
            if part.strip():
                file = find_file(world, part)
                found[file.id] = file
    return tuple(Attachment(file_id=f.id, name=f.name, confidentiality=f.confidentiality) for f in found.values())


def _line(file: File) -> str:
    """One line of the list."""
    return f"{file.id} | {file.name} | {file.confidentiality}" + (f" | owner {file.owner}" if file.owner else "")
