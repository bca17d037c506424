"""Asking a model for an answer in a form: one call, one request to mend an answer that cannot be read, and the cost."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from testbed.models.answers import UnreadableAnswer
from testbed.models.errors import ModelCallError, ModelUnavailable
from testbed.models.failures import shown
from testbed.models.providers import close_model, structured_kwargs
from testbed.models.retry import RetryPolicy, with_retries
from testbed.types import Message, ModelSpec, Usage

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import BaseMessage

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Question(Generic[Answer]):
    """What is asked, in which form the answer is wanted, and how it is read.

    Attributes:
        schema: JSON schema of the answer, for the provider's own structured output.
        read: Reads a text; raises ``UnreadableAnswer``.
        mend: Writes the request to answer again, from what was wrong.
    """

    system: str
    user: str
    schema: dict[str, Any]
    read: Callable[[str], Answer]
    mend: Callable[[str], str]


@dataclass
class Asked(Generic[Answer]):
    """What came of asking: an answer or why there is none, all texts of the model, and what they cost.

    Attributes:
        failure: What ended the last call for good.
        refused: Whether the provider marked the last answer as a refusal.
        fault: What was wrong with the last text that was read; an answer read after it stands all the same.
        reported: The model that the server says it is.
    """

    answer: Answer | None = None
    failure: Exception | None = None
    refused: bool = False
    fault: str = ""
    texts: list[str] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    reported: str = ""

    @property
    def failed(self) -> str:
        """The failure, safe to show; nothing without one."""
        known = self.failure is None or isinstance(self.failure, ModelCallError)
        return str(self.failure or "") if known else shown(f"{type(self.failure).__name__}: {self.failure}")


class Asker:
    """A model that is asked; connected at the first question, inside the event loop."""

    form = "answer"  # names the schema of its answers

    def __init__(self, spec: ModelSpec, connect: "Callable[[], BaseChatModel]", retries: RetryPolicy) -> None:
        """Prepare.

        Raises:
            TestbedError: The model cannot answer in a form (``control/…``).
        """
        structured_kwargs(spec, self.form, {"type": "object", "properties": {}})
        self.spec, self._connect, self._retries = spec, connect, retries
        self._model: BaseChatModel | None = None

    async def ask(self, question: Question[Answer]) -> Asked[Answer]:
        """Ask, and once more where the answer cannot be read.

        Raises:
            ModelUnavailable: No call to the model can succeed (key, access, quota or name).
        """
        from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

        messages: list[BaseMessage] = [SystemMessage(question.system), HumanMessage(question.user)]
        asked: Asked[Answer] = Asked()
        for _ in range(2):
            try:
                message = await self._call(messages, question.schema, asked)
            except ModelUnavailable:
                raise
            except Exception as failure:  # whatever a server or a library does, the other questions go on
                asked.failure = failure
                return asked
            try:
                asked.refused = message.refusal
                asked.answer = None if asked.refused else question.read(message.text)
                return asked
            except UnreadableAnswer as error:
                asked.fault = str(error)
                messages += [AIMessage(message.text or "(no text)"), HumanMessage(question.mend(asked.fault))]
        return asked

    async def aclose(self) -> None:
        """Close the connections."""
        if self._model is not None:
            await close_model(self._model)

    async def _call(self, messages: "list[BaseMessage]", schema: dict[str, Any], asked: Asked[Any]) -> Message:
        """Make one call, with retries, and note text and usage."""
        from langchain_core.messages import AIMessage

        from testbed.models.normalise import reported_model, to_message

        model = self._model = self._model or self._connect()
        arguments = structured_kwargs(self.spec, self.form, schema)
        # ainvoke is annotated wider than what chat models return.
        answer: Any = await with_retries(lambda: model.ainvoke(messages, **arguments), self._retries)
        assert isinstance(answer, AIMessage)
        message = to_message(answer, turn=len(asked.texts) + 1)
        asked.texts.append(message.text)
        asked.usage += message.usage or Usage(calls=1)
        asked.reported = reported_model(answer) or asked.reported
        return message
