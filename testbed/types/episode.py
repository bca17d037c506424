"""What happened when an agent met a case."""

from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from testbed.types.base import Frozen
from testbed.types.case import Condition
from testbed.types.model import Limits, ModelSpec, Usage
from testbed.types.world import Event, World


class Termination(StrEnum):
    """How an episode ended. The errors are never pooled with behaviour."""

    COMPLETED = "completed"  # the model answered without a tool call, or ended the session
    TURN_LIMIT = "turn_limit"
    TOKEN_LIMIT = "token_limit"
    MODEL_ERROR = "model_error"  # the provider rejected the request itself, or the agent's code failed
    INFRA_ERROR = "infra_error"  # network, rate limit, server fault, after the last retry

    @property
    def is_error(self) -> bool:
        """Whether the episode shows nothing about behaviour and is asked for again by the next run."""
        return self in (Termination.MODEL_ERROR, Termination.INFRA_ERROR)

    @property
    def is_limit(self) -> bool:
        """Whether a limit cut the episode short; what was done until then is scored."""
        return self in (Termination.TURN_LIMIT, Termination.TOKEN_LIMIT)


class ToolCall(Frozen):
    """A tool call as the model proposed it. ``error`` tells why it could not be read, ``raw`` what it was."""

    id: str
    name: str
    args: dict[str, Any] = Field(default_factory=dict)
    raw: str | None = None
    error: str | None = None


class Message(Frozen):
    """One message of the transcript, the same for every provider.

    Attributes:
        text: What the model said to its counterpart, or the tool's answer.
        reasoning: The model's private reasoning (provider's thinking, or a scratchpad), apart from ``text``.
        tool_call_id: For ``tool`` messages, the call it answers.
        failed: For ``tool`` messages, whether the tool refused the call.
        refusal: Whether the provider itself marked the answer as a refusal or filtered it.
        stop: The provider's stop reason.
        turn: The model call (from 1) it belongs to; 0 before the first.
    """

    role: Literal["system", "user", "assistant", "tool"]
    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    failed: bool = False
    refusal: bool = False
    stop: str = ""
    turn: int = 0
    usage: Usage | None = None


class AgentRef(Frozen):
    """An agent file: its name, and the hash of its text, so that a changed agent is another agent."""

    name: str
    hash: str


class Episode(Frozen):
    """One run of one agent on one case, whole: transcript, final world with its executed events, how it ended.

    Attributes:
        id: Content hash of case, condition, agent, model, limits and seed: the same plan has the same id.
        seconds: Wall-clock time.
        error: For errors, one sentence.
        model_reported: The model name that the provider answered with.
    """

    id: str
    scenario: str
    case_hash: str
    condition: Condition
    agent: AgentRef
    model: ModelSpec
    limits: Limits
    seed: int
    epoch: int
    messages: tuple[Message, ...]
    world: World
    termination: Termination
    error: str = ""
    usage: Usage
    started_at: str
    seconds: float
    model_reported: str = ""
    software: str = ""

    @property
    def events(self) -> tuple[Event, ...]:
        """What was executed, in order; kept in the final world."""
        return tuple(self.world.events)
