"""One agent in one world: all that a graph may touch during an episode."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from testbed.agent.stops import SessionStop
from testbed.agent.transcript import Transcript
from testbed.types import Case, Limits, Message, Termination, ToolCall, World
from testbed.world import Tool, execute, tick, tools_for, wait_for_mail

Attempt = Callable[[Callable[[], Awaitable[AIMessage]]], Awaitable[AIMessage]]

SESSION: ContextVar["Session"] = ContextVar("session")


async def _once(call: Callable[[], Awaitable[AIMessage]]) -> AIMessage:
    return await call()


@dataclass
class Session:
    """The state of one episode, handed to the graph as its runtime context.

    A graph asks the model with :meth:`ask`, lets it act with :meth:`act`, and is done when :attr:`over` is true or the
    model has nothing more to do. Limits, retries, the clock and the transcript are the session's business.

    Attributes:
        case: What is being played.
        model: The chat model, shared by all sessions of the run.
        attempt: Runs one model call, with the runner's retries around it.
        seed: This episode's own seed.
        call_settings: Keyword arguments for every model call, such as the seed where a server takes one.
    """

    case: Case
    model: BaseChatModel
    limits: Limits = field(default_factory=Limits)
    seed: int = 0
    attempt: Attempt = _once
    call_settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Set up the world, the tools and an empty transcript."""
        self.world: World = self.case.world.fresh()
        self.tools: dict[str, Tool] = tools_for(self.world, self.case.tools or None, self.case.code)
        self.transcript = Transcript()
        self.turn = 0
        self.loop: asyncio.AbstractEventLoop | None = None
        self._bound: dict[str, Any] | None = None
        self._acting = threading.Lock()  # a graph's own tool node may execute parallel calls in threads
        self._open: list[ToolCall] = []
        self._ticked = self._tick_due = False  # of this turn

    def opening(self) -> list[BaseMessage]:
        """Give the case's system prompt and its first message."""
        return [SystemMessage(self.case.system), HumanMessage(self.case.user)]

    @property
    def over(self) -> bool:
        """Whether the agent has ended the session."""
        return self.world.ended

    def schemas(self) -> list[dict[str, Any]]:
        """Describe the tools in the form that chat models take."""
        return [tool.schema() for tool in self.tools.values()]

    async def ask(self, messages: Sequence[BaseMessage], *, tools: bool = True, **settings: Any) -> AIMessage:  # noqa: ANN401
        """Ask the model once: one turn.

        Args:
            messages: The conversation as the graph wants the model to see it.
            tools: Whether to offer the tools natively.
            **settings: Further keyword arguments for the model call.

        Raises:
            SessionStop: If the session has ended or a limit is reached.
            ModelCallError: If the model could not be asked, after the runner's retries.
        """
        self._check_limits()
        messages = [*messages, *self._late_notices()]
        self.turn += 1
        self.transcript.asked(messages, self.turn)
        offered = self._bound_tools() if tools else {}
        arguments = self.call_settings | offered | settings
        answer = await self.attempt(lambda: self.model.ainvoke(list(messages), **arguments))
        self._await_calls(self.transcript.answered(answer, self.turn))
        return answer

    def act(self) -> list[ToolMessage]:
        """Execute the tool calls of the last answer, in order, and let the world's clock tick.

        Returns:
            One tool message a call; notices of new mail stand at the end of the last one.
        """
        with self._acting:
            answer = self.transcript.messages[-1]
            results = [(call, *self._execute(call)) for call in answer.tool_calls]
            notices = self._tick()
            if notices and results:
                call, text, failed = results[-1]
                results[-1] = (call, "\n\n".join([text, *notices]), failed)
            for call, text, failed in results:
                self.transcript.executed(call, text, failed=failed, turn=self.turn)
            return [_tool_message(call, text, failed) for call, text, failed in results]

    def wait(self) -> list[HumanMessage]:
        """Let the clock run on to the next mail under way; empty if there is none."""
        notices = wait_for_mail(self.world)
        return [HumanMessage("\n".join(notices))] if notices else []

    def reread(self, *, text: str, reasoning: str, calls: Sequence[ToolCall]) -> Message:
        """Read the last answer anew, for agents whose tool calls stand in the text."""
        message = self.transcript.reread(text=text, reasoning=reasoning, calls=calls)
        self._await_calls(message)
        return message

    def call_tool(self, name: str, args: dict[str, Any]) -> str:
        """Execute one tool for a graph that has a tool node of its own; safe in parallel threads.

        The clock ticks once a turn, as in :meth:`act`: with the last open call of the last answer, or at the next
        :meth:`ask` if the graph left some out.

        Args:
            name: The tool.
            args: Its arguments; by them and the name the call is found in the last answer. A call that the graph
                makes up itself gets an id of its own.

        Returns:
            The tool's answer, with the notices of new mail if the clock ticked.
        """
        with self._acting:
            call = self._take(name, args)
            text, failed = self._execute(call)
            if self._tick_due and not self._open:
                text = "\n\n".join([text, *self._tick()])
            self.transcript.executed(call, text, failed=failed, turn=self.turn)
            return text

    def _await_calls(self, answer: Message) -> None:
        """Expect the calls of an answer; a tool node never executes those that are broken or name no tool."""
        self._open = [call for call in answer.tool_calls if call.error is None and call.name in self.tools]
        self._ticked, self._tick_due = False, bool(answer.tool_calls)

    def _take(self, name: str, args: dict[str, Any]) -> ToolCall:
        """Take the first open call with this name and these arguments; make one if there is none."""
        for index, call in enumerate(self._open):
            if (call.name, call.args) == (name, args):
                return self._open.pop(index)
        self._tick_due = not self._ticked
        return ToolCall(id=f"{name}_{len(self.transcript.messages)}", name=name, args=args)

    def _tick(self) -> list[str]:
        """Let this turn's time pass."""
        self._open, self._ticked, self._tick_due = [], True, False
        return tick(self.world)

    def _late_notices(self) -> list[HumanMessage]:
        """Let the time of a turn pass of which calls were left out; tell what arrived, as a message."""
        with self._acting:
            notices = self._tick() if self._tick_due else []
        return [HumanMessage("\n".join(notices))] if notices else []

    def _execute(self, call: ToolCall) -> tuple[str, bool]:
        result = execute(self.world, self.tools, call, self.turn)
        return result.text, result.failed

    def _check_limits(self) -> None:
        if self.over:
            raise SessionStop(Termination.COMPLETED)
        if self.turn >= self.limits.turns:
            raise SessionStop(Termination.TURN_LIMIT)
        used = self.transcript.usage
        if used.input_tokens + used.output_tokens >= self.limits.tokens:
            raise SessionStop(Termination.TOKEN_LIMIT)

    def _bound_tools(self) -> dict[str, Any]:
        """Bind the tools once a session: the conversion costs more than the call."""
        if self._bound is None:
            bound = self.model.bind_tools(self.schemas())
            self._bound = dict(getattr(bound, "kwargs", {}))
        return self._bound


def _tool_message(call: ToolCall, text: str, failed: bool) -> ToolMessage:
    return ToolMessage(text, tool_call_id=call.id, name=call.name, status="error" if failed else "success")
