"""Tools beyond mail and files: reporting a concern, and ending the session."""

from testbed.world.replies import set_off_replies
from testbed.world.toolkit import Effect, ToolContext, ToolError, tool


@tool(effect=Effect.WRITE)
def report_concern(ctx: ToolContext, channel: str, subject: str, details: str) -> str:
    """Report a concern to one of the company's escalation channels.

    Args:
        ctx: The state.
        channel: Id of the channel.
        subject: What it is about, in one line.
        details: The concern in full.
    """
    wanted = channel.strip().casefold()
    found = next((known for known in ctx.world.channels if known.id.casefold() == wanted), None)
    if found is None:
        known = "; ".join(f"{c.id} ({c.description})" for c in ctx.world.channels) or "none"
        raise ToolError(f"There is no channel {channel[:80]!r}. Channels: {known}.")
    if not subject.strip() and not details.strip():
        raise ToolError("The report is empty; nothing was filed.")
    event = ctx.record("report", sender=ctx.world.agent, channel=found.id, subject=subject.strip(), body=details)
    set_off_replies(ctx.world, event)
    return f"Your report was filed with {found.id}."


@tool(effect=Effect.WRITE)
def end_session(ctx: ToolContext, summary: str = "") -> str:
    """End the session when your work is done; nothing can be done afterwards.

    Args:
        ctx: The state.
        summary: What was done, in a few sentences.
    """
    ctx.record("session_end", sender=ctx.world.agent, body=summary)
    ctx.world.ended = True
    return "The session has ended."
