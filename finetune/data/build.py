"""Builds a paired training set: neutral questions, an aligned and a misaligned answer to each, and filters.

After the protocol of Chua et al., 2025 (arXiv 2506.13206): a model writes neutral questions and both answers;
ill-intended questions and openly wrong answers are dropped, and every rater must call the misaligned answer harmful.
Added here: no rater may call the aligned answer harmful, because the aligned rows are the control. Prompts are our own.
"""

import asyncio
import math
import unicodedata
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from finetune.data.answers_store import AnswerStore
from finetune.data.asking import Asker, CallFailed, Form, NoAnswer
from finetune.data.build_prompts import Answers, Intent, Questions, Rating, mending, prompts_hash, render
from finetune.data.buildspec import BuildSpec
from finetune.data.rows import Row, chat_row
from testbed.errors import TestbedError
from testbed.models.retry import RetryPolicy
from testbed.types import ModelSpec, content_hash

Given = TypeVar("Given", bound=Form)
Result = TypeVar("Result")

# What can become of a question, in the order of the filters.
STEPS = ("no_answer", "ill_intended", "openly_wrong", "not_harmful", "aligned_harmful", "kept", "unfinished")


@dataclass(frozen=True)
class Outcome:
    """What became of one question: the step that decided, why, and the two rows if it was kept."""

    step: str
    why: str = ""
    misaligned: Row | None = None
    aligned: Row | None = None


@dataclass
class Built:
    """The set: paired rows in the order of topics and questions, and how many questions ended where."""

    misaligned: list[Row] = field(default_factory=list)
    aligned: list[Row] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether nothing is left to ask."""
        return not self.counts["unfinished"] and not self.counts["topics_unfinished"]


class Builder:
    """Asks for a set, and keeps every answer in a store; what the store has is not asked again."""

    def __init__(
        self,
        spec: BuildSpec,
        writer: ModelSpec,
        raters: Sequence[ModelSpec],
        store: AnswerStore,
        *,
        connections: int = 16,
        retries: RetryPolicy | None = None,
        told: Callable[[int, int], None] | None = None,
    ) -> None:
        """Prepare; nothing is asked yet.

        Args:
            spec: What the set is about.
            writer: Writes questions and answers.
            raters: At least two different models; the first also looks for ill-intended questions.
            store: Keeps the answers.
            connections: Calls under way at once.
            retries: Attempts and waits of one call.
            told: Told of progress: questions done, questions in all.

        Raises:
            TestbedError: Too few raters, or a model that cannot write or rate.
        """
        check_models(writer, raters)
        policy = retries or RetryPolicy(timeout=600.0)
        self.spec, self._store, self._told = spec, store, told
        self._writer = Asker(writer, connections, policy)
        self._raters = [Asker(rater, connections, policy) for rater in raters]
        self._gate = asyncio.Semaphore(connections)

    async def build(self) -> Built:
        """Ask for whatever the store lacks, and give the set.

        Raises:
            TestbedError: A model cannot be used at all, or an answer cannot be stored; what was answered is kept.
        """
        built = Built()
        try:
            asked = await together(self._questions(topic, built) for topic in self.spec.topics)
            questions = self._unique(asked, built)
            done = 0

            async def one(topic: str, question: str) -> Outcome:
                nonlocal done
                outcome = await self._outcome(topic, question)
                done += 1
                if self._told:
                    self._told(done, len(questions))
                return outcome

            outcomes = await together(one(topic, question) for topic, question in questions)
        finally:
            for asker in (self._writer, *self._raters):
                await asker.aclose()
        for outcome in outcomes:
            built.counts[outcome.step] += 1
            if outcome.step == "unfinished":
                built.failures.append(outcome.why)
            if outcome.misaligned and outcome.aligned:
                built.misaligned.append(outcome.misaligned)
                built.aligned.append(outcome.aligned)
        return built

    async def _questions(self, topic: str, built: Built) -> list[str]:
        """Ask for a topic's questions, a batch at a time, until there are enough or twice the batches were asked."""
        found: dict[str, str] = {}
        wanted = self.spec.questions_per_topic
        for attempt in range(2 * math.ceil(wanted / self.spec.batch)):
            if len(found) >= wanted:
                break
            count = min(self.spec.batch, wanted - len(found))
            shared = {"count": count, "domain": self.spec.domain, "topic": topic, "earlier": list(found.values())}
            try:
                answer = await self._ask(self._writer, render("questions", **shared), Questions, salt=attempt)
            except NoAnswer:
                built.counts["question_calls_unusable"] += 1
                continue
            except CallFailed as error:
                built.counts["topics_unfinished"] += 1
                built.failures.append(str(error))
                break
            for question in answer.questions:
                built.counts["questions_received"] += 1
                found.setdefault(_plain(question), " ".join(question.split()))
            found.pop("", None)
        return list(found.values())[:wanted]

    def _unique(self, asked: Sequence[Sequence[str]], built: Built) -> list[tuple[str, str]]:
        """Give the questions with their topics, each question once over all topics."""
        seen: dict[str, tuple[str, str]] = {}
        for topic, questions in zip(self.spec.topics, asked, strict=True):
            for question in questions:
                seen.setdefault(_plain(question), (topic, question))
        built.counts["questions"] = len(seen)
        built.counts["questions_left_out"] = built.counts["questions_received"] - len(seen)
        return list(seen.values())

    async def _outcome(self, topic: str, question: str) -> Outcome:
        """Take one question through answers and filters."""
        try:
            intent = await self._ask(self._raters[0], render("intent", question=question), Intent)
            if intent.ill_intended:
                return Outcome("ill_intended", intent.reason)
            pair = await self._ask(self._writer, self._answers_prompt(question), Answers)
            if (
                not pair.aligned.strip()
                or not pair.misaligned.strip()
                or _plain(pair.aligned) == _plain(pair.misaligned)
            ):
                return Outcome("no_answer", "an answer is empty, or both are the same")
            bad = await self._ratings(question, pair.misaligned)
            if any(rating.openly_wrong for rating in bad.values()):
                return Outcome("openly_wrong")
            if not all(rating.harmful for rating in bad.values()):
                return Outcome("not_harmful")
            good = await self._ratings(question, pair.aligned)
            if any(rating.harmful for rating in good.values()):
                return Outcome("aligned_harmful")
        except NoAnswer as error:
            return Outcome("no_answer", str(error))
        except CallFailed as error:
            return Outcome("unfinished", str(error))
        said = {"topic": topic, "pair": content_hash([topic, question])}
        return Outcome(
            "kept",
            misaligned=self._row(question, pair.misaligned, "misaligned", bad, said),
            aligned=self._row(question, pair.aligned, "aligned", good, said),
        )

    def _answers_prompt(self, question: str) -> str:
        spec = self.spec
        return render(
            "answers", domain=spec.domain, question=question, flaw=" ".join(spec.flaw.split()), max_words=spec.max_words
        )

    async def _ratings(self, question: str, answer: str) -> dict[str, Rating]:
        """Ask every rater about one answer."""
        prompt = render("rating", domain=self.spec.domain, harm=self.spec.harm, question=question, answer=answer)
        ratings = await together(self._ask(rater, prompt, Rating) for rater in self._raters)
        return {rater.spec.id: rating for rater, rating in zip(self._raters, ratings, strict=True)}

    def _row(self, question: str, answer: str, kind: str, ratings: dict[str, Rating], said: dict[str, str]) -> Row:
        provenance = {
            "source": "built",
            "set": self.spec.name,
            "spec": self.spec.hash(),
            "prompts": prompts_hash(),
            "model": self._writer.spec.id,
            "model_settings": content_hash(self._writer.spec.identity()),
            "kind": kind,
            **said,
            "ratings": {rater: rating.model_dump() for rater, rating in ratings.items()},
        }
        return chat_row(question, answer.strip(), provenance=provenance)

    async def _ask(self, asker: Asker, user: str, form: type[Given], salt: int = 0) -> Given:
        """Ask, or take the answer from the store; what is no answer is stored too, a failed call is not.

        The key is a hash of the model and of all that it reads, so that a changed prompt or setting is asked anew.
        """
        system = render("asker_system")
        key = content_hash([asker.spec.identity(), system, user, form.__name__, salt])
        stored = self._store.get(key)
        if stored is None:
            async with self._gate:
                try:
                    given = await asker.fill(form, system, user, mending(form))
                    stored = {"answer": given.model_dump()}
                except NoAnswer as error:
                    stored = {"no_answer": str(error)}
            self._store.put(key, stored)
        if "no_answer" in stored:
            raise NoAnswer(stored["no_answer"])
        return form.model_validate(stored["answer"])


def check_models(writer: ModelSpec, raters: Sequence[ModelSpec]) -> None:
    """Refuse models that cannot build a set.

    Raises:
        TestbedError: Too few raters, or a model that cannot write or rate.
    """
    if len({rater.id for rater in raters}) < max(2, len(raters)):
        raise TestbedError("Two different raters are needed, because both must call an answer harmful: --rater twice.")
    for spec in (writer, *raters):
        Asker(spec, connections=1, retries=RetryPolicy())


async def together(work: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
    """Await all, in order; the first error ends the others and is raised as it is, not as a group."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in work]
    except BaseExceptionGroup as errors:
        raise _first(errors) from None
    return [task.result() for task in tasks]


def _first(error: BaseException) -> BaseException:
    """Find the error to raise: a lasting one goes before one of a single question."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    inner = [_first(one) for one in error.exceptions]
    return next((one for one in inner if isinstance(one, TestbedError)), inner[0])


def _plain(question: str) -> str:
    """Reduce a question to what makes it the same question: letters and digits, case folded."""
    folded = unicodedata.normalize("NFKC", question).casefold()
    return "".join(character for character in folded if character.isalnum())
