"""An episode in order: for each model call what was said and proposed, and what was executed."""

import re
from typing import NamedTuple

from testbed.types import Episode, Event, Message


class Turn(NamedTuple):
    """One model call (from 1; 0 is what the agent was given), its messages and the events that followed."""

    number: int
    messages: tuple[Message, ...]
    events: tuple[Event, ...]


def timeline(episode: Episode) -> list[Turn]:
    """Sort an episode's messages and events into turns.

    What the world did by itself carries no turn. A delivery is put where the transcript first announces its e-mail;
    failing that, after the event before it.

    Returns:
        Turns in order, without gaps being filled.
    """
    placed: list[tuple[int, Event]] = []
    latest = 0
    for event in episode.events:
        turn = event.turn or _announced(episode, event, latest)
        latest = max(latest, turn)
        placed.append((latest, event))
    numbers = sorted({message.turn for message in episode.messages} | {turn for turn, _ in placed})
    return [
        Turn(
            number,
            tuple(message for message in episode.messages if message.turn == number),
            tuple(event for turn, event in placed if turn == number),
        )
        for number in numbers
    ]


def _announced(episode: Episode, event: Event, earliest: int) -> int:
    if not event.email_id:
        return earliest
    name = re.compile(rf"\b{re.escape(event.email_id)}\b")
    for message in episode.messages:
        if message.role != "assistant" and message.turn >= earliest and name.search(message.text):
            return message.turn
    return earliest
