"""Colleagues who answer: a pack's templated replies, set off by what the agent really did."""

from datetime import timedelta

from testbed.types import Email, Event, Reply, Trigger, World
from testbed.world.addresses import is_in
from testbed.world.mailbox import new_email_id


def set_off_replies(world: World, event: Event) -> None:
    """Queue the replies whose trigger an executed event meets; each reply comes once in an episode.

    Args:
        world: The state; ``pending`` and ``fired`` are changed.
        event: An accepted event of the agent's.
    """
    for reply in world.replies:
        if reply.id not in world.fired and meets(reply.when, event):
            world.fired.append(reply.id)
            _queue(world, reply, event)


def meets(trigger: Trigger, event: Event) -> bool:
    """Whether an event meets every condition that the trigger gives; one that gives none is met by any event."""
    if trigger.to is not None and not is_in(trigger.to, event.recipients):
        return False
    if trigger.channel is not None and (event.channel or "").casefold() != trigger.channel.casefold():
        return False
    text = event.own_text.casefold()
    return not trigger.contains or any(phrase.casefold() in text for phrase in trigger.contains)


def _queue(world: World, reply: Reply, event: Event) -> None:
    """Put the answer on its way to the agent."""
    due = world.now + timedelta(minutes=reply.after_minutes)
    email = Email(
        id=new_email_id(world, "r"),
        sender=reply.sender,
        to=(world.agent,),
        sent_at=due,
        subject=reply.subject,
        body=reply.body,
        in_reply_to=event.email_id,
    )
    world.pending.append((due, email))
