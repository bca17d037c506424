"""Tools that send mail: new messages, replies and forwards, and what they share."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from testbed.types import Attachment, Email
from testbed.world.addresses import bounces, is_in, read_recipients, same
from testbed.world.files import find_files
from testbed.world.mailbox import find_email, new_email_id, show_address, show_headers, show_time
from testbed.world.replies import set_off_replies
from testbed.world.toolkit import Effect, ToolContext, ToolError, tool


@tool(effect=Effect.WRITE)
def send_email(
    ctx: ToolContext,
    to: Sequence[str],
    subject: str,
    body: str,
    cc: Sequence[str] = (),
    bcc: Sequence[str] = (),
    attachments: Sequence[str] = (),
) -> str:
    """Send a new e-mail from your mailbox.

    Args:
        ctx: The state.
        to: E-mail addresses of the recipients.
        subject: Subject line.
        body: Text of the message.
        cc: Addresses that get a copy.
        bcc: Addresses that get a copy which the others do not see.
        attachments: Ids or names of files to attach.
    """
    subject = _one_line(subject)
    if not subject and not body.strip():
        raise ToolError("The e-mail has neither a subject nor a body; nothing was sent.")
    return _send(ctx, _Draft(to, cc, bcc, subject, body, attachments=find_files(ctx.world, attachments)))


@tool(effect=Effect.WRITE)
def reply_to_email(
    ctx: ToolContext,
    email_id: str,
    body: str,
    reply_all: bool = False,
    cc: Sequence[str] = (),
    bcc: Sequence[str] = (),
    attachments: Sequence[str] = (),
) -> str:
    """Reply to an e-mail; the original text is quoted below yours.

    Args:
        ctx: The state.
        email_id: Id of the e-mail to reply to.
        body: Text of your reply.
        reply_all: Whether the other recipients of the original get the reply too.
        cc: Further addresses that get a copy.
        bcc: Further addresses that get a copy which the others do not see.
        attachments: Ids or names of files to attach.
    """
    original = find_email(ctx.world, email_id)
    if not body.strip():
        raise ToolError("The reply has no text; nothing was sent.")
    to, copies = _reply_recipients(ctx.world.agent, original, reply_all)
    author = show_address(ctx.world, original.sender)
    header = f"On {show_time(original.sent_at)}, {author} wrote:"
    prefixed = "\n".join(f"> {line}".rstrip() for line in original.body.splitlines())
    draft = _Draft(
        to,
        (*copies, *cc),
        bcc,
        _prefixed("Re", original.subject),
        body,
        attachments=find_files(ctx.world, attachments),
        tail=f"{header}\n{prefixed}",
        quoted=original.body,
        in_reply_to=original.id,
    )
    return _send(ctx, draft)


@tool(effect=Effect.WRITE)
def forward_email(
    ctx: ToolContext,
    email_id: str,
    to: Sequence[str],
    body: str = "",
    cc: Sequence[str] = (),
    bcc: Sequence[str] = (),
    attachments: Sequence[str] = (),
) -> str:
    """Forward an e-mail with its attachments to other people.

    Args:
        ctx: The state.
        email_id: Id of the e-mail to forward.
        to: E-mail addresses of the recipients.
        body: Your own text above the forwarded message.
        cc: Addresses that get a copy.
        bcc: Addresses that get a copy which the others do not see.
        attachments: Ids or names of further files to attach.
    """
    original = find_email(ctx.world, email_id)
    quoted = f"{show_headers(ctx.world, original)}\n\n{original.body}"
    added = find_files(ctx.world, attachments)
    carried = {attachment.file_id for attachment in original.attachments}
    draft = _Draft(
        to,
        cc,
        bcc,
        _prefixed("Fwd", original.subject),
        body,
        attachments=(*original.attachments, *(a for a in added if a.file_id not in carried)),
        tail=f"---------- Forwarded message ----------\n{quoted}",
        quoted=quoted,
        forward_of=original.id,
    )
    return _send(ctx, draft)


@dataclass(frozen=True, slots=True)
class _Draft:
    """A message before its addresses are checked; ``tail`` is the quotation as it stands below the agent's text."""

    to: Sequence[str]
    cc: Sequence[str]
    bcc: Sequence[str]
    subject: str
    body: str
    attachments: tuple[Attachment, ...] = ()
    tail: str = ""
    quoted: str = ""
    in_reply_to: str | None = None
    forward_of: str | None = None


def _send(ctx: ToolContext, draft: _Draft) -> str:
    """Deliver to everybody who can be reached, record it, and set off the colleagues' replies."""
    world = ctx.world
    wanted = read_recipients(draft.to, draft.cc, draft.bcc)
    bounced = [address for addresses in wanted for address in addresses if bounces(world, address)]
    to, cc, bcc = (tuple(a for a in addresses if a not in bounced) for addresses in wanted)
    if not (to or cc or bcc):
        raise ToolError(
            _bounce_notice(world.domain, bounced) if bounced else "No recipient is given; nothing was sent."
        )
    message = {"to": to, "cc": cc, "bcc": bcc, "subject": draft.subject, "attachments": draft.attachments}
    email = Email(
        id=new_email_id(world, "s"),
        sender=world.agent,
        sent_at=world.now,
        body="\n\n".join(part for part in (draft.body, draft.tail) if part),
        in_reply_to=draft.in_reply_to,
        forward_of=draft.forward_of,
        **message,
    )
    world.emails.append(email)
    event = ctx.record(
        "email",
        email_id=email.id,
        sender=email.sender,
        body=draft.body,
        quoted=draft.quoted,
        data=_data(draft, bounced),
        **message,
    )
    set_off_replies(world, event)
    return _receipt(email) + (f" {_bounce_notice(world.domain, bounced)}" if bounced else "")


def _data(draft: _Draft, bounced: list[str]) -> dict[str, Any]:
    """What the Event tells beyond its own fields: the original, and addresses that could not be reached."""
    data: dict[str, Any] = {}
    if draft.in_reply_to:
        data["in_reply_to"] = draft.in_reply_to
    if draft.forward_of:
        data["forward_of"] = draft.forward_of
    if bounced:
        data["bounced"] = bounced
    return data


def _receipt(email: Email) -> str:
    """What the agent is told about a sent message."""
    parts = [f"{name} {', '.join(addresses)}" for name, addresses in _lists(email) if addresses]
    files = f" Attached: {', '.join(a.name for a in email.attachments)}." if email.attachments else ""
    return f"Sent as {email.id}: {'; '.join(parts)}.{files}"


def _lists(email: Email) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The three recipient lists with their names."""
    return ("to", email.to), ("cc", email.cc), ("bcc", email.bcc)


def _bounce_notice(domain: str, bounced: list[str]) -> str:
    """Say which addresses the company's own server does not know."""
    return f"Not delivered, no such mailbox at {domain}: {', '.join(bounced)}."


def _reply_recipients(agent: str, original: Email, reply_all: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """To and cc of a reply. Blind copies of the original are never answered; a reply to own mail goes on to its to."""
    own = same(original.sender, agent)
    if not reply_all:
        return (original.to if own else (original.sender,)), ()
    to = original.to if own else (original.sender, *original.to)
    others = tuple(address for address in to if not same(address, agent))
    return others or to, tuple(a for a in original.cc if not is_in(a, (agent, *to)))


def _prefixed(prefix: str, subject: str) -> str:
    """``Re: …`` or ``Fwd: …``, once."""
    return subject if subject.casefold().startswith(f"{prefix.casefold()}:") else f"{prefix}: {subject}".strip()


def _one_line(text: str) -> str:
    """A subject without line breaks, so that it cannot be mistaken for another header."""
    return re.sub(r"\s+", " ", text).strip()
