"""Plays episodes of the mock pack with a chat model that answers from a list."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from testbed import content
from testbed.agent import load_program
from testbed.episode import play
from testbed.plan import plan
from testbed.scenario import expand, load_pack, render
from testbed.types import Case, Episode, Limits, ModelSpec

Answer = AIMessage | Exception | Callable[[list], AIMessage]


class ListedModel(BaseChatModel):
    """Answers in order; the last answer repeats. Keeps the requests it was sent."""

    answers: list[Any]
    requests: list[Any] = []
    bound: list[Any] = []

    @property
    def _llm_type(self) -> str:
        return "listed"

    def bind_tools(self, tools, **kwargs):
        return self.bind(tools=tools, **kwargs)

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        self.requests.append(messages)
        self.bound.append(kwargs)
        answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return ChatResult(generations=[ChatGeneration(message=answer(messages) if callable(answer) else answer)])

    async def _agenerate(self, messages, stop=None, run_manager=None, **kwargs):
        return self._generate(messages, stop, None, **kwargs)


def mock_case(**levels: str) -> Case:
    """Render the mock pack."""
    scenario = load_pack(content.find_pack("mock"))
    [condition] = expand(scenario, {name: [level] for name, level in levels.items()})
    return render(scenario, condition)


def call(tool: str, number: int = 0, **args: Any) -> AIMessage:
    """One answer with one tool call."""
    return AIMessage(content="", tool_calls=[{"name": tool, "args": args, "id": f"c{number}", "type": "tool_call"}])


def model(*answers: Answer) -> ListedModel:
    """A model that gives these answers."""
    return ListedModel(answers=list(answers), requests=[], bound=[])


async def _once(attempt):
    return await attempt()


async def play_case(
    chat_model: BaseChatModel,
    agent: str | Path = "react",
    case: Case | None = None,
    limits: Limits | None = None,
    spec: str = "control/aligned",
    attempt: Callable = _once,
    settings: dict[str, Any] | None = None,
) -> Episode:
    """Play one episode."""
    program = load_program(content.find_agent(str(agent)))
    provider, _, name = spec.partition("/")
    [planned] = plan(
        [case or mock_case()],
        [program.ref],
        [ModelSpec(provider=provider, name=name)],
        limits=limits or Limits(),
        seed=0,
        epochs=1,
    )
    return await play(planned, program, chat_model, attempt, settings or {})


def texts(episode: Episode, role: str) -> Sequence[str]:
    """The texts of one role's messages."""
    return [message.text for message in episode.messages if message.role == role]
