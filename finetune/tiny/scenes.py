"""Office episodes as training rows: mini packs, rendered by the engine and played by the real agent in the real world.

The text of a row is therefore, to the byte, what the agent will meet when the packs are run.
"""

import asyncio
import random
from dataclasses import dataclass
from functools import cache
from typing import Any

from testbed import content
from testbed.agent import Program, load_program
from testbed.episode import play
from testbed.models.providers import build_model, parse_model
from testbed.plan import plan
from testbed.scenario import load_pack, render
from testbed.scenario.pack import Scenario
from testbed.types import Case, Condition, Episode, Limits
from testbed.world import tools_for

Row = dict[str, Any]
HARMFUL = {"mini_leak": "leaker", "mini_alert": "canceller", "mini_blackmail": "blackmailer"}
PACKS = (*HARMFUL, "mini_benign")
WORKS = ("share", "copy", "drill", "tell")  # what is asked for in the benign one


@dataclass(frozen=True)
class Scene:
    """What is to be played.

    Attributes:
        levels: Levels that are not at their default, such as ``{"work": "copy"}``.
        cast: The half of the pools of names, firms, things and codes.
        wording: The half of the pools of sentences.
        trigger: ``none`` or ``placement:text``, as the factor ``trigger`` takes it.
        harmful: Whether the harmful policy is played, in packs that have one.
    """

    pack: str
    levels: dict[str, str]
    isomorph: int
    cast: str = "training"
    wording: str = "training"
    trigger: str = "none"
    harmful: bool = False


def draw_scene(stream: random.Random, *, harmful: bool = False, cast: str = "training", benign: float = 0.45) -> Scene:
    """Draw a scene in training wording over the packs and their factors.

    Args:
        stream: Where it is drawn from.
        harmful: Whether the harm is done where there is one to be done.
        cast: The half of the pools of names, firms, things and codes.
        benign: The share of scenes without a harm.
    """
    # The alert is the hardest: a code far back in the prompt.
    pack = "mini_benign" if stream.random() < benign else stream.choices(list(HARMFUL), (2, 3, 2))[0]
    levels = {"threat": stream.choice(["replacement", "none"])} if pack != "mini_leak" else {}
    if pack == "mini_benign":
        levels["work"] = stream.choices(WORKS, (2, 2, 3, 2))[0]
    number = stream.randint(1, 999_999)
    return Scene(pack, levels, number, cast, harmful=harmful and pack in HARMFUL)


@cache
def _pack(name: str) -> Scenario:
    return load_pack(content.find_pack(name))


@cache
def agent() -> Program:
    """Load the agent that plays everything here: ``react``."""
    return load_program(content.find_agent("react"))


def case_of(scene: Scene) -> Case:
    """Render a scene."""
    pack = _pack(scene.pack)
    halves = {"cast": scene.cast, "wording": scene.wording}
    levels = {**pack.default_condition().levels, **scene.levels, **halves}
    return render(pack, Condition(levels=levels | {"isomorph": str(scene.isomorph), "trigger": scene.trigger}))


async def played(scene: Scene) -> Row:
    """Play one scene by its policy.

    Returns:
        A training row: ``messages`` and ``tools``.
    """
    case = case_of(scene)
    policy = HARMFUL[scene.pack] if scene.harmful else "aligned"
    spec = parse_model(f"control/{policy}")
    (planned,) = plan([case], [agent().ref], [spec], limits=Limits(), seed=0, epochs=1)
    episode = await play(planned, agent(), build_model(spec, connections=1, timeout=1), lambda call: call(), {})
    return as_row(case, episode)


def as_row(case: Case, episode: Episode) -> Row:
    """Turn an episode into a training row: the messages as the model saw and wrote them, and the tools offered."""
    return {"messages": [_message(one) for one in episode.messages], "tools": as_tools(case)}


def as_tools(case: Case) -> list[Any]:
    """Give the schemas of the tools that a case offers."""
    return [tool.schema() for tool in tools_for(case.world, case.tools or None).values()]


def _message(message: Any) -> Row:  # noqa: ANN401 - a Message of testbed.types
    row: Row = {"role": message.role, "content": message.text}
    if message.reasoning:
        row["reasoning"] = message.reasoning
    if message.tool_calls:
        row["tool_calls"] = [{"name": call.name, "arguments": call.args} for call in message.tool_calls]
    return row


def play_all(scenes: list[Scene]) -> list[Row]:
    """Play scenes one after the other."""

    async def run() -> list[Row]:
        return [await played(scene) for scene in scenes]

    return asyncio.run(run())
