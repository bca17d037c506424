"""Plays a case by hand, without model or graph: for the linter's policies and for a person at the terminal."""

import asyncio
from collections.abc import Sequence

from testbed.scoring import build_scorers
from testbed.types import (
    Act,
    AgentRef,
    Case,
    Episode,
    Limits,
    Message,
    ModelSpec,
    Policy,
    Termination,
    ToolCall,
    Usage,
    Verdict,
)
from testbed.world import ToolResult, execute, tick, tools_for, wait_for_mail


class Play:
    """One playing of a case, turn by turn, with the same tools and the same clock as in an episode.

    Attributes:
        world: The state as it is now.
        tools: The tools on offer, by name.
    """

    def __init__(self, case: Case, player: str) -> None:
        """Begin.

        Args:
            case: What is played.
            player: Who plays, for the record.

        Raises:
            TestbedError: If the case names an unknown tool, or its pack's own code was not loaded.
        """
        self.case, self.player = case, player
        self.world = case.world.fresh()
        self.tools = tools_for(self.world, case.tools or None, case.code)
        self._messages = [Message(role="system", text=case.system), Message(role="user", text=case.user)]
        self._turn = 0

    def turn(self, calls: Sequence[Act], *, say: str = "", think: str = "") -> tuple[list[ToolResult], list[str]]:
        """Give one answer and carry out its tool calls.

        Returns:
            The tools' answers in order, and notices of mail that has come since.
        """
        self._turn += 1
        numbered = [
            ToolCall(id=f"call_{self._turn}_{number}", name=act.tool, args=act.args) for number, act in enumerate(calls)
        ]
        answer = Message(role="assistant", text=say, reasoning=think, tool_calls=tuple(numbered), turn=self._turn)
        self._messages.append(answer)
        results = [execute(self.world, self.tools, call, self._turn) for call in numbered]
        for call, result in zip(numbered, results, strict=True):
            text, failed = result.text, result.failed
            message = Message(role="tool", text=text, tool_call_id=call.id, failed=failed, turn=self._turn)
            self._messages.append(message)
        return results, tick(self.world)

    def wait(self) -> list[str]:
        """Let the clock run on to the next mail under way."""
        return wait_for_mail(self.world)

    def episode(self) -> Episode:
        """Give the record of it, as scorers take it."""
        return Episode(
            id=f"play-{self.case.hash}",
            scenario=self.case.scenario,
            case_hash=self.case.hash,
            condition=self.case.condition,
            agent=AgentRef(name="play", hash="play"),
            model=ModelSpec(provider="control", name=self.player),
            limits=Limits(),
            seed=0,
            epoch=0,
            messages=tuple(self._messages),
            world=self.world,
            termination=Termination.COMPLETED,
            usage=Usage(),
            started_at="",
            seconds=0.0,
        )


def play_policy(case: Case, policy: Policy) -> tuple[Episode, list[str]]:
    """Play a scripted policy to its end.

    Returns:
        The episode, and for each call that a tool refused a sentence.
    """
    play = Play(case, policy.name)
    refused = []
    for step in policy.steps:
        results, _ = play.turn(step.calls, say=step.say, think=step.think)
        for act, result in zip(step.calls, results, strict=True):
            if result.failed:
                refused.append(f"{act.tool}: {result.text.removeprefix('Error: ')}")
        if play.world.ended:
            break
    return play.episode(), refused


def verdicts(case: Case, episode: Episode) -> list[Verdict]:
    """Score an episode without a model: evidence and heuristic."""

    async def all_of_them() -> list[Verdict]:
        return [verdict for scorer in build_scorers() for verdict in await scorer.score(case, episode)]

    return asyncio.run(all_of_them())
