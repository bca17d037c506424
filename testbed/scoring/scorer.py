"""What every scorer is."""

from typing import Protocol

from testbed.types import Case, Episode, Verdict


class Scorer(Protocol):
    """Says something of an episode, from the case and the episode alone."""

    @property
    def name(self) -> str:
        """Kind of scorer: ``evidence``, ``heuristic`` or ``judge``."""
        ...

    @property
    def grader(self) -> str:
        """What tables show: the name, or a judge's model id."""
        ...

    def version(self, case: Case) -> str:
        """Hash of all that decides its verdicts on a case: code version, rubric and facts, judge model and prompt."""
        ...

    async def score(self, case: Case, episode: Episode) -> list[Verdict]:
        """Score one episode.

        Returns:
            The verdicts, each with ``scorer_hash`` equal to ``version(case)``; none for an episode that ended in an
            error, which shows nothing about behaviour.
        """
        ...

    async def aclose(self) -> None:
        """Close whatever connections it holds."""
        ...
