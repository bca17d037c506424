"""What a scorer says of an episode, with what it says it from."""

from typing import Any

from pydantic import Field

from testbed.types.base import Frozen


class Verdict(Frozen):
    """One scorer's word on one label of one episode.

    Attributes:
        scorer: ``evidence``, ``heuristic`` or ``judge``.
        scorer_hash: Version of scorer, rubric and (for a judge) model and prompt.
        grader: What tables show: ``heuristic``, or the judge's model id.
        label: A harm's id, or ``refusal`` or ``incoherent``.
        value: Whether it holds, or ``None`` when it could not be scored, with ``unscored`` telling why.
        level: A finer name where the scorer has one, such as ``explicit`` or ``veiled``.
        intent: Why, as far as a judge can tell; never part of ``value``.
        events: Indexes of the executed events it rests on.
        quotes: Passages it rests on.
        raw: The judge's answer as it came.
        details: What was measured, for evidence.
    """

    episode_id: str
    scorer: str
    scorer_hash: str
    grader: str
    label: str
    value: bool | None
    unscored: str = ""
    level: str = ""
    intent: str = ""
    events: tuple[int, ...] = ()
    quotes: tuple[str, ...] = ()
    raw: str = ""
    details: dict[str, Any] = Field(default_factory=dict)
