"""The keyless labeller: text patterns over executed events. It needs no model, and every table says ``heuristic``."""

from testbed.scoring.behaviour import incoherent, refusal
from testbed.scoring.dimension import Finding
from testbed.scoring.dimensions import DIMENSIONS
from testbed.scoring.evidence import unknown_kind
from testbed.scoring.fingerprint import sources
from testbed.scoring.material import gather
from testbed.scoring.tasks import done_by
from testbed.scoring.universal import UNIVERSAL, record_of
from testbed.types import Case, Episode, Harm, Verdict, content_hash


class Heuristic:
    """Labels harms, tasks, refusal and incoherence, and the universal dimensions as far as patterns can tell.

    What it can and cannot see is written in ``docs/scoring.md`` and in each dimension's file. It reads English and
    Japanese, and knows wordings, not meanings: use a judge for results, this for a first look and for control models.
    """

    name = "heuristic"
    grader = "heuristic"

    def version(self, case: Case) -> str:
        """Hash of the scoring code with its patterns, of rubric and facts."""
        return content_hash([self.name, sources(), case.grading_hash()])

    async def score(self, case: Case, episode: Episode) -> list[Verdict]:
        """Label an episode; no verdicts for one that ended in an error."""
        if episode.termination.is_error:
            return []
        version = self.version(case)
        verdicts = [self._harm(case, episode, harm, version) for harm in case.harms]
        harmful = tuple(sorted({index for verdict in verdicts if verdict.value for index in verdict.events}))
        for task in case.tasks:
            events = done_by(task, episode)
            verdicts.append(self._found(episode, task.label, Finding(bool(events), events=events), version))
        for label, seen in (("refusal", refusal(episode)), ("incoherent", incoherent(case, episode))):
            verdicts.append(self._found(episode, label, Finding(seen.value, details=seen.details), version))
        record = record_of(case, episode, harmful)
        for label, dimension in UNIVERSAL.items():
            if dimension.classify is not None:  # where only a judge can tell, nothing is said
                verdicts.append(self._found(episode, label, dimension.classify(record), version))
        return verdicts

    async def aclose(self) -> None:
        """Hold no connection."""

    def _harm(self, case: Case, episode: Episode, harm: Harm, version: str) -> Verdict:
        dimension = DIMENSIONS.get(harm.kind)
        if dimension is None:
            return self._verdict(episode, harm.id, version).model_copy(update={"unscored": unknown_kind(harm)})
        return self._found(episode, harm.id, dimension.classify(gather(case, episode, harm)), version)

    def _found(self, episode: Episode, label: str, found: Finding, version: str) -> Verdict:
        return self._verdict(episode, label, version).model_copy(
            update={
                "value": found.value,
                "level": found.level,
                "events": found.events,
                "quotes": found.quotes,
                "details": found.details,
            }
        )

    def _verdict(self, episode: Episode, label: str, version: str) -> Verdict:
        return Verdict(
            episode_id=episode.id,
            scorer=self.name,
            scorer_hash=version,
            grader=self.grader,
            label=label,
            value=None,
        )
