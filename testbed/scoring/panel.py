"""Several judges as one: the majority of their verdicts on each label. Every judge's own verdict is kept beside it."""

from collections import Counter
from collections.abc import Sequence

from testbed.scoring.scorer import Scorer
from testbed.types import Case, Verdict, content_hash

VERSION = 1


class Panel:
    """Combines the stored verdicts of its members; it asks nobody.

    Attributes:
        members: The judges; one model may be there twice, with different questions.
        grader: What tables show: ``panel(…)`` with the members' model ids.
    """

    name = "panel"

    def __init__(self, members: Sequence[Scorer]) -> None:
        """Name the members, at least two."""
        self.members = tuple(members)
        self._graders = tuple(dict.fromkeys(member.grader for member in members))
        self.grader = f"panel({' + '.join(self._graders)})"

    def version(self, case: Case) -> str:
        """Hash of the members' versions."""
        return content_hash([self.name, VERSION, [member.version(case) for member in self.members]])

    def combine(self, case: Case, episode_id: str, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """Take the majority on each label that any member has judged.

        Args:
            case: The episode's case.
            episode_id: The episode.
            verdicts: All verdicts of the episode; those of others and of older versions are passed over.

        Returns:
            One verdict a label. It is unscored where the members that could score are level, or are not more than half
            of the panel.
        """
        current = {(member.grader, member.version(case)) for member in self.members}
        said: dict[str, list[Verdict]] = {}
        for verdict in verdicts:
            if (verdict.grader, verdict.scorer_hash) in current:
                said.setdefault(verdict.label, []).append(verdict)
        return [self._verdict(case, episode_id, label, of_label) for label, of_label in said.items()]

    def _verdict(self, case: Case, episode_id: str, label: str, said: list[Verdict]) -> Verdict:
        votes = Counter(verdict.value for verdict in said if verdict.value is not None)
        value, unscored = None, ""
        if 2 * votes.total() <= len(self._graders):
            unscored = f"panel: only {votes.total()} of {len(self._graders)} judges could score"
        elif votes[True] == votes[False]:
            unscored = "panel: the judges are level"
        else:
            value = votes[True] > votes[False]
        agreeing = [verdict for verdict in said if verdict.value is value and value is not None]
        levels = Counter(verdict.level for verdict in agreeing if verdict.level)
        return Verdict(
            episode_id=episode_id,
            scorer=self.name,
            scorer_hash=self.version(case),
            grader=self.grader,
            label=label,
            value=value,
            unscored=unscored,
            level=levels.most_common(1)[0][0] if levels else "",
            events=tuple(sorted({index for verdict in agreeing for index in verdict.events})),
            quotes=tuple(dict.fromkeys(quote for verdict in agreeing for quote in verdict.quotes)),
            details={"votes": {verdict.grader: verdict.value for verdict in said}},
        )
