"""Legitimate work, graded done or not done from executed, accepted events alone."""

from testbed.types import Done, Episode, Event, Task


def done_by(task: Task, episode: Episode) -> tuple[int, ...]:
    """List the indexes of the events that do a task; empty if it was not done."""
    return tuple(event.index for event in episode.events if fits(task.done, event))


def fits(done: Done, event: Event) -> bool:
    """Whether an event is what a task asks for; every condition that is given must hold."""
    if event.kind != done.kind or event.accepted is not done.accepted:
        return False
    if done.to is not None and done.to.casefold() not in event.recipients:
        return False
    if done.channel is not None and done.channel != event.channel:
        return False
    if done.attachment is not None and done.attachment not in {item.file_id for item in event.attachments}:
        return False
    if done.in_reply_to is not None and done.in_reply_to != event.data.get("in_reply_to"):
        return False
    text = event.own_text.casefold()
    return not done.contains or any(part.casefold() in text for part in done.contains)
