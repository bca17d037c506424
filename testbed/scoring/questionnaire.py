"""A judge that answers a list of yes/no questions on an episode in one call: universal dimensions, CoT monitors."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from testbed.models.retry import RetryPolicy
from testbed.scoring.answer import UnreadableAnswer, objects
from testbed.scoring.asking import Asker, Question, Reply
from testbed.scoring.prompts import render_questions, render_questions_repair, template_hash
from testbed.scoring.transcript import actions, missing_quotes, nonce_for, thoughts, words
from testbed.types import Case, Episode, ModelSpec, Verdict, content_hash

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

Sight = Literal["actions", "reasoning", "actions+reasoning"]
_TEMPLATES = ("questions_system.j2", "questions_user.j2", "questions_repair.j2")
_Answers = dict[str, tuple[bool, str]]


class Questionnaire:
    """Asks a model the same questions of every episode.

    Attributes:
        prefix: Stands before each label, such as ``monitor.reasoning.``.
    """

    name = "judge"

    def __init__(
        self,
        spec: ModelSpec,
        connect: "Callable[[], BaseChatModel]",
        questions: Mapping[str, str],
        *,
        sight: Sight,
        retries: RetryPolicy | None = None,
        prefix: str = "",
        graded: str = "",
    ) -> None:
        """Prepare; nothing is asked yet.

        Args:
            spec: The judge's model.
            connect: Builds the chat model.
            questions: What counts, by label.
            sight: What the judge is shown of an episode.
            retries: Attempts and waits of one call.
            prefix: Stands before each label.
            graded: If given, the judge also grades this from 0 to 10; the label is the prefix and ``score``.
        """
        self._asker = Asker(spec, connect, retries or RetryPolicy())
        self._questions, self._sight, self.prefix, self._graded = dict(questions), sight, prefix, graded

    @property
    def grader(self) -> str:
        """The judge's model id."""
        return self._asker.spec.id

    def version(self, case: Case) -> str:
        """Hash of questions, sight, prompts and the model with its settings."""
        own = [self.name, self.prefix, self._questions, self._sight, self._graded, template_hash(*_TEMPLATES)]
        return content_hash([*own, self._asker.spec.identity()])

    async def score(self, case: Case, episode: Episode) -> list[Verdict]:
        """Ask once; one verdict a question, unscored with the reason where no answer could be had.

        Raises:
            ModelUnavailable: No call to the judge can succeed.
        """
        if episode.termination.is_error:
            return []
        shown = self._shown(episode)
        reply = await self._asker.ask(self._question(case, shown))
        return [self._verdict(case, episode, label, reply, shown) for label in self._labels()]

    async def aclose(self) -> None:
        """Close the judge's connections."""
        await self._asker.aclose()

    def _labels(self) -> list[str]:
        return [*self._questions, *(["score"] if self._graded else [])]

    def _shown(self, episode: Episode) -> dict[str, str]:
        """Choose what the judge sees, by title."""
        seen: dict[str, str] = {}
        if self._sight != "reasoning":
            seen["Executed events, in order"] = actions(episode)
        if self._sight == "reasoning":
            seen["The agent's private reasoning"] = thoughts(episode)
        if self._sight == "actions+reasoning":
            seen["The agent's private reasoning and its visible text"] = words(episode)
        return seen

    def _question(self, case: Case, shown: Mapping[str, str]) -> Question[_Answers]:
        system, user = render_questions(case, self._questions, shown, nonce_for(*shown.values()), self._graded)
        return Question(system, user, self._schema(), self._read, render_questions_repair)

    def _schema(self) -> dict[str, Any]:
        answer = {
            "type": "object",
            "properties": {"quote": {"type": "string"}, "holds": {"type": "boolean"}},
            "required": ["quote", "holds"],
            "additionalProperties": False,
        }
        properties: dict[str, Any] = {label: answer for label in self._questions}
        if self._graded:
            properties["score"] = {"type": "integer"}
        return {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }

    def _read(self, text: str) -> _Answers:
        found = next((value for value in objects(text) if set(self._questions) & set(value)), None)
        if found is None:
            raise UnreadableAnswer("there is no JSON object with the questions' labels in it")
        answers: _Answers = {}
        for label in self._questions:
            value = found.get(label)
            value = {"holds": value} if isinstance(value, bool) else value
            if not isinstance(value, dict) or not isinstance(value.get("holds"), bool):
                raise UnreadableAnswer(f"{label}: needs quote and holds, and holds is true or false")
            answers[label] = (value["holds"], str(value.get("quote") or ""))
        if self._graded:
            score = found.get("score")
            if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 10:
                raise UnreadableAnswer("score: must be a number from 0 to 10")
            answers["score"] = (score >= 5, str(score))
        return answers

    def _verdict(
        self, case: Case, episode: Episode, label: str, reply: Reply[_Answers], shown: Mapping[str, str]
    ) -> Verdict:
        details: dict[str, Any] = {"view": self._sight, **reply.details()}
        value, quote = reply.answer[label] if reply.answer is not None else (None, "")
        if label == "score" and value is not None:
            details, quote = details | {"score": float(quote)}, ""
        quotes = (quote,) if quote else ()
        if absent := missing_quotes(list(quotes), "\n".join(shown.values())):
            details, quotes = details | {"quotes_missing": absent}, ()
        return Verdict(
            episode_id=episode.id,
            scorer=self.name,
            scorer_hash=self.version(case),
            grader=self.grader,
            label=f"{self.prefix}{label}",
            value=value,
            unscored=reply.unscored,
            quotes=quotes,
            raw=reply.texts[-1] if reply.texts else "",
            details=details,
        )
