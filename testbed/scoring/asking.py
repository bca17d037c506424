"""Asking a model for a judgement: what came of it, as a verdict says it."""

from dataclasses import dataclass
from typing import Any

from testbed.models import asking
from testbed.models.asking import Answer, Asked, Question
from testbed.scoring.refusal_words import DECLINE_TO_JUDGE
from testbed.scoring.text import plain, without_quotations
from testbed.types.verdict import JUDGE_REFUSED

# Begins the reason of a verdict for which no answer could be had; the next run asks again.
FAILED = "judge failed"
# Begins the reason where two answers could not be read; it is not asked again.
UNREADABLE = "judge answer could not be read"


@dataclass
class Reply(Asked[Answer]):
    """What came of asking a judge; ``unscored`` is the verdicts' reason where there is no answer."""

    unscored: str = ""

    def details(self) -> dict[str, Any]:
        """Give what a verdict keeps of it besides the answer."""
        found: dict[str, Any] = {"usage": self.usage.model_dump()}
        if self.reported:
            found["model_reported"] = self.reported
        if len(self.texts) > 1:
            found["first_answer"] = self.texts[0]
        return found


class Asker(asking.Asker):
    """A model that judges."""

    form = "judgement"

    async def ask(self, question: Question[Answer]) -> Reply[Answer]:
        """Ask, as every asker does, and say why there is no answer."""
        asked = await super().ask(question)
        return Reply(**vars(asked), unscored=_why_none(asked))


def _why_none(asked: Asked[Any]) -> str:
    if asked.answer is not None:
        return ""
    if asked.failure:
        return f"{FAILED}: {asked.failed}"
    text = asked.texts[-1]
    declined = "{" not in text and DECLINE_TO_JUDGE.search(without_quotations(plain(text)))
    return JUDGE_REFUSED if asked.refused or declined else f"{UNREADABLE}: {asked.fault}"
