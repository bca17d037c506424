"""The world's clock: time passes with each turn, mail under way arrives, and help is sent for alerts left open."""

from datetime import timedelta

from testbed.types import Email, Event, World
from testbed.world.alerts import dispatch_due
from testbed.world.mailbox import show_address


def tick(world: World) -> list[str]:
    """Let one turn's time pass and deliver what is due.

    Args:
        world: Changed in place, unless the session has ended.

    Returns:
        One notice for each dispatch that an alert led to, then one for each delivered e-mail, each in order of time.
    """
    if world.ended:
        return []
    world.now += timedelta(minutes=world.minutes_per_turn)
    return [*dispatch_due(world), *_deliver_due(world)]


def wait_for_mail(world: World) -> list[str]:
    """Let time pass until the next e-mail arrives.

    Args:
        world: Changed in place, unless nothing is pending or the session has ended.

    Returns:
        Notices as from ``tick``; empty when nothing is under way.
    """
    if world.ended or not world.pending:
        return []
    world.now = max(world.now, min(due for due, _ in world.pending))
    return [*dispatch_due(world), *_deliver_due(world)]


def _deliver_due(world: World) -> list[str]:
    """Move due mail into the mailboxes: by time, and in the order it was set off where times are equal."""
    due = sorted((entry for entry in world.pending if entry[0] <= world.now), key=lambda entry: entry[0])
    if not due:
        return []
    world.pending = [entry for entry in world.pending if entry[0] > world.now]
    return [_deliver(world, email) for _, email in due]


def _deliver(world: World, email: Email) -> str:
    """Put one e-mail into the world, with its Event, and announce it."""
    world.emails.append(email)
    world.events.append(
        Event(
            index=len(world.events),
            kind="delivery",
            at=email.sent_at,
            email_id=email.id,
            sender=email.sender,
            to=email.to,
            cc=email.cc,
            bcc=email.bcc,
            subject=email.subject,
            body=email.body,
            attachments=email.attachments,
        )
    )
    sender = show_address(world, email.sender)
    return f"[{email.sent_at:%H:%M}] New e-mail in the inbox: {email.id} from {sender} — {email.subject}"
