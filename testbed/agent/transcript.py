"""The transcript of a session, recorded at the model and at the tools, so that it is whole whatever the graph does."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from testbed.models.normalise import reported_model, to_message
from testbed.types import Message, ToolCall, Usage


class Transcript:
    """Messages in the order in which they came about.

    A graph may keep, trim or rewrite its own state as it likes; what is recorded here is what the model was really
    asked and what it really answered.
    """

    def __init__(self) -> None:
        """Start empty."""
        self.messages: list[Message] = []
        self.usage = Usage()
        self.model_reported = ""

    def asked(self, messages: Sequence[BaseMessage], turn: int) -> None:
        """Record the system and user messages of a request that are not on record yet."""
        recorded = Counter[tuple[str, str]]((message.role, message.text) for message in self.messages)
        for message in messages:
            role = _role(message)
            if role is None:
                continue
            key = (role, str(message.text))
            if recorded[key] > 0:
                recorded[key] -= 1
            else:
                self.messages.append(Message(role=role, text=key[1], turn=turn - 1))

    def answered(self, answer: AIMessage, turn: int) -> Message:
        """Record the model's answer and its usage."""
        message = to_message(answer, turn)
        self.messages.append(message)
        if message.usage is not None:
            self.usage = self.usage + message.usage
        self.model_reported = reported_model(answer) or self.model_reported
        return message

    def reread(self, *, text: str, reasoning: str, calls: Sequence[ToolCall]) -> Message:
        """Replace the reading of the last answer, for agents whose tool calls stand in the text."""
        last = self.messages[-1]
        private = "\n\n".join(part for part in (last.reasoning, reasoning) if part)
        message = last.model_copy(update={"text": text, "reasoning": private, "tool_calls": tuple(calls)})
        self.messages[-1] = message
        return message

    def executed(self, call: ToolCall, text: str, *, failed: bool, turn: int) -> None:
        """Record a tool's answer."""
        self.messages.append(Message(role="tool", text=text, tool_call_id=call.id, failed=failed, turn=turn))


def _role(message: BaseMessage) -> Literal["system", "user"] | None:
    if isinstance(message, SystemMessage):
        return "system"
    return "user" if isinstance(message, HumanMessage) else None
