"""Which episode is under way in this task: what scripted and seeded models need to know beyond the messages."""

from contextvars import ContextVar
from dataclasses import dataclass

from testbed.types import Case


@dataclass(frozen=True)
class ActiveEpisode:
    """The case that is being played and the seed of this episode."""

    case: Case
    seed: int


ACTIVE: ContextVar[ActiveEpisode] = ContextVar("active_episode")
