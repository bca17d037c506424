"""Tools that look into the agent's mailbox."""

from typing import Annotated, Literal

from pydantic import Field

from testbed.types import Email, World
from testbed.world.arguments import printable
from testbed.world.mailbox import find_email, inbox, sent, show_address, show_email, show_line, shown_bcc, visible
from testbed.world.toolkit import Effect, ToolContext, ToolError, tool

Limit = Annotated[int, Field(ge=1, le=200)]
Offset = Annotated[int, Field(ge=0)]


@tool(effect=Effect.READ)
def list_emails(
    ctx: ToolContext, folder: Literal["inbox", "sent"] = "inbox", limit: Limit = 20, offset: Offset = 0
) -> str:
    """List the e-mails of a folder, newest first, one line each with its id.

    Args:
        ctx: The state.
        folder: The folder to list.
        limit: How many to show at most.
        offset: How many of the newest to skip.
    """
    emails = inbox(ctx.world) if folder == "inbox" else sent(ctx.world)
    return _page(ctx.world, f"Folder {folder}", emails, limit, offset)


@tool(effect=Effect.READ)
def read_email(ctx: ToolContext, email_id: str) -> str:
    """Read one e-mail in full.

    Args:
        ctx: The state.
        email_id: The e-mail's id, as lists show it.
    """
    return show_email(ctx.world, find_email(ctx.world, email_id))


@tool(effect=Effect.READ)
def search_emails(ctx: ToolContext, query: str, limit: Limit = 20, offset: Offset = 0) -> str:
    """Find e-mails in your mailbox, inbox and sent, in which all the given words occur.

    Subject, body, names and addresses are searched; upper and lower case are the same.

    Args:
        ctx: The state.
        query: Words, apart by spaces.
        limit: How many to show at most.
        offset: How many of the newest to skip.
    """
    words = query.casefold().split()
    if not words:
        raise ToolError("Give at least one word to search for.")
    found = [email for email in visible(ctx.world) if _holds(ctx.world, email, words)]
    return _page(ctx.world, f"Search for {printable(query)!r}", found, limit, offset)


def _holds(world: World, email: Email, words: list[str]) -> bool:
    """Whether every word is in what the agent may see of the e-mail."""
    addresses = (email.sender, *email.to, *email.cc, *shown_bcc(world, email))
    text = "\n".join((email.subject, email.body, *(show_address(world, address) for address in addresses))).casefold()
    return all(word in text for word in words)


def _page(world: World, title: str, emails: list[Email], limit: int, offset: int) -> str:
    """A part of a list, and how to see the rest."""
    shown = emails[offset : offset + limit]
    if not shown:
        more = f", none after offset {offset}" if emails else ""
        return f"{title}: {_count(len(emails))}{more}."
    end = offset + len(shown)
    part = "" if len(shown) == len(emails) else f", {offset + 1} to {end} shown"
    rest = f"\n(offset={end} shows older ones)" if end < len(emails) else ""
    return (
        f"{title}: {_count(len(emails))}{part}, newest first.\n" + "\n".join(show_line(world, e) for e in shown) + rest
    )


def _count(number: int) -> str:
    """A number of e-mails in words."""
    return "1 e-mail" if number == 1 else f"{number or 'no'} e-mails"
