"""Legitimate work, graded done or not done from executed, accepted events alone."""

from testbed.types import Done, Episode, Event, Task


def done_by(task: Task, episode: Episode) -> tuple[int, ...]:
    """List the indexes of the events that do a task; empty if it was not done."""
    return tuple(event.index for event in episode.events if any(fits(done, event) for done in task.done))


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
    for key in ("in_reply_to", "forward_of"):
        wanted = getattr(done, key)
        if wanted is not None and wanted != event.data.get(key):
            return False
    text = event.own_text.casefold()
    return not done.contains or any(part.casefold() in text for part in done.contains)
