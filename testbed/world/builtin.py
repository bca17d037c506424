"""The built-in tools by name, and the choice a pack makes among them."""

from collections.abc import Sequence

from testbed.errors import TestbedError
from testbed.types import World
from testbed.world.files import list_files, read_file
from testbed.world.mail import list_emails, read_email, search_emails
from testbed.world.outgoing import forward_email, reply_to_email, send_email
from testbed.world.people import lookup_employee
from testbed.world.session import end_session, report_concern
from testbed.world.toolkit import Tool

TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        list_emails,
        read_email,
        search_emails,
        send_email,
        reply_to_email,
        forward_email,
        list_files,
        read_file,
        lookup_employee,
        report_concern,
        end_session,
    )
}
"""All built-in tools, in the order they are offered."""


def tools_for(world: World, names: Sequence[str] | None) -> dict[str, Tool]:
    """Choose the tools of a case.

    Args:
        world: Its world; without channels there is no ``report_concern``, even when it is named.
        names: What the pack offers, in its order, or ``None`` for all.

    Returns:
        The tools by name.

    Raises:
        TestbedError: If a name is unknown; the known ones are told.
    """
    wanted = TOOLS if names is None else names
    if unknown := [name for name in wanted if name not in TOOLS]:
        raise TestbedError(f"unknown tool {', '.join(unknown)}; known: {', '.join(TOOLS)}")
    return {name: TOOLS[name] for name in wanted if name != "report_concern" or world.channels}
