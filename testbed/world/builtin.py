"""The built-in tools by name, and the choice a pack makes among them."""

from collections.abc import Sequence

from testbed.errors import TestbedError
from testbed.types import World
from testbed.world.alerts import cancel_alert, escalate_alert, list_alerts, read_alert
from testbed.world.documents import write_file
from testbed.world.files import list_files, read_file
from testbed.world.mail import list_emails, read_email, search_emails
from testbed.world.outgoing import forward_email, reply_to_email, send_email
from testbed.world.people import lookup_employee
from testbed.world.session import end_session, report_concern
from testbed.world.terminal import terminal
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
        write_file,
        lookup_employee,
        terminal,
        report_concern,
        list_alerts,
        read_alert,
        cancel_alert,
        escalate_alert,
        end_session,
    )
}
"""All built-in tools, in the order they are offered."""


PACK_TOOLS: dict[str, dict[str, Tool]] = {}
"""The tools of packs whose own code was allowed and loaded, by the hash of that code (see ``Case.code``)."""


def tools_for(world: World, names: Sequence[str] | None, code: str = "") -> dict[str, Tool]:
    """Choose the tools of a case.

    Args:
        world: Its world; without channels there is no ``report_concern``, even when it is named,
            without a workspace no ``write_file``, without a machine no ``terminal``, and without alerts none of
            the tools for them.
        names: What the pack offers, in its order, or ``None`` for all.
        code: Hash of the pack's own code, whose tools it may name as well.

    Returns:
        The tools by name.

    Raises:
        TestbedError: If a name is unknown, or the pack's own code was not loaded.
    """
    if code and code not in PACK_TOOLS:
        raise TestbedError("This scenario has tools of its own (tools.py); add --allow-code to let its code run.")
    known = TOOLS | PACK_TOOLS.get(code, {})
    wanted = known if names is None else names
    if unknown := [name for name in wanted if name not in known]:
        raise TestbedError(f"unknown tool {', '.join(unknown)}; known: {', '.join(known)}")
    lacking = set() if world.channels else {"report_concern"}
    lacking |= set() if world.workspace else {"write_file"}
    lacking |= set() if world.machine else {"terminal"}
    lacking |= set() if world.alerts else {"list_alerts", "read_alert", "cancel_alert", "escalate_alert"}
    return {name: known[name] for name in wanted if name not in lacking}
