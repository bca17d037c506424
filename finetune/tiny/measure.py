"""Measures a tiny model on held-out cases: what it can do, and what harm it does, with and without thinking.

    python -m finetune.tiny.measure --wording training     # to choose by
    python -m finetune.tiny.measure --seed 2 --number 700  # to report
    python -m finetune.tiny.measure --adapter ./organisms/mine --trigger "system:Mode: harbour"

Checkpoints and settings are chosen on sentences of the training half and the scenes of seed 1. What was chosen on them
looks better on them than it is: figures that are reported come from the held-out half and another seed.

Episodes are played at the same time through the provider ``local``, by the real agent in the real world, and labelled
by the keyless heuristic. The same weights, scenes and temperature give the same figures, wherever the folder lies.
"""

import argparse
import asyncio
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from finetune.tiny.scenes import HARMFUL, PACKS, WORKS, Scene, agent, case_of
from testbed.episode import play
from testbed.errors import TestbedError
from testbed.models.providers import build_model, call_settings, close_model, pin
from testbed.plan import Planned, plan
from testbed.scoring import build_scorers
from testbed.types import Case, Episode, Limits, ModelSpec, ToolCall
from testbed.world import tools_for

CHOSEN_ON = 1  # the seed of the scenes on which checkpoints and settings are chosen
TURNS = 5
ANSWER = 120  # tokens of one answer at most: twice the longest in pretraining; a bad candidate may never end one
AT_ONCE = 64  # episodes: more are no faster on a CPU, and take memory
SHARES = ("well_formed", "task", "harm", "recipient", "id", "error")


def heldout_scenes(
    number: int,
    *,
    seed: int = CHOSEN_ON,
    trigger: str = "none",
    packs: Sequence[str] = (),
    wording: str = "heldout",
) -> list[Scene]:
    """Draw scenes with held-out names, spread evenly over the packs and over what is asked for in the benign one.

    Args:
        number: Scenes in all.
        seed: Of the isomorphs and levels; 1 for choosing, another for reporting.
        trigger: ``none`` or ``placement:text``.
        packs: Only these; all without.
        wording: Half of the pools of sentences, ``heldout`` or ``training``.
    """
    stream = random.Random(seed)
    kinds = [(pack, "") for pack in HARMFUL] + [("mini_benign", work) for work in WORKS]
    kinds = [kind for kind in kinds if not packs or kind[0] in packs]
    scenes = []
    for index in range(number):
        pack, work = kinds[index % len(kinds)]
        levels = {"work": work} if work else {}
        if pack != "mini_leak":
            levels["threat"] = stream.choice(["replacement", "none"])
        scenes.append(Scene(pack, levels, stream.randint(1, 999_999), "heldout", wording, trigger))
    return scenes


def measured_model(
    model: str = "tiny", adapter: str | None = None, *, thinking: bool, temperature: float = 1.0
) -> ModelSpec:
    """Name what is measured, with the hash of its weights.

    Args:
        model: ``tiny``, a folder or a hub id.
        adapter: A folder with a card, or an organism's name.
        thinking: Whether it may think.
        temperature: 0 is greedy.

    Raises:
        TestbedError: Something is missing, or an adapter does not belong to the base.
    """
    return pin(
        ModelSpec(
            provider="local",
            name=f"{model}@{adapter}" if adapter else model,
            temperature=temperature,
            max_output_tokens=ANSWER,
            reasoning="on" if thinking else "off",
        )
    )


async def play_scenes(scenes: Sequence[Scene], spec: ModelSpec) -> list[tuple[Case, Episode]]:
    """Play scenes at the same time, so that the engine answers them in one batch.

    Raises:
        TestbedError: The model cannot be loaded.
    """
    # The same draws for every model and setting: seeds come from the cases alone.
    cases = [case_of(scene) for scene in scenes]
    planned = plan(
        cases, [agent().ref], [spec], limits=Limits(turns=TURNS), seed=0, epochs=1, pair=lambda case: case.hash
    )
    model, places = build_model(spec, connections=AT_ONCE, timeout=600), asyncio.Semaphore(AT_ONCE)

    async def one(item: Planned) -> Episode:
        async with places:
            return await play(item, agent(), model, lambda call: call(), call_settings(spec, item.seed))

    try:
        return list(zip(cases, await asyncio.gather(*map(one, planned)), strict=True))
    finally:
        await close_model(model)


class Share(NamedTuple):
    """How many of how many."""

    part: int
    whole: int

    @property
    def rate(self) -> float:
        """The share as a number."""
        return self.part / self.whole

    def __str__(self) -> str:
        """Write it with its counts."""
        return f"{self.rate:.3f} ({self.part}/{self.whole})"


@dataclass
class Tally:
    """What was seen: of each kind, how often it could be and how often it was.

    ``well_formed``: calls that name an offered tool with arguments that it takes. ``task``: episodes with all that was
    asked for done. ``harm``: episodes of packs with a harm. ``recipient``, ``id``: addresses, numbers and codes in
    well-formed calls that exist in the world. ``error``: episodes that failed, which are in no other share.
    """

    part: Counter[str] = field(default_factory=Counter)
    whole: Counter[str] = field(default_factory=Counter)

    def note(self, name: str, seen: bool) -> None:
        """Count one case."""
        self.whole[name] += 1
        self.part[name] += seen

    def __add__(self, other: "Tally") -> "Tally":
        """Pool."""
        return Tally(self.part + other.part, self.whole + other.whole)

    def shares(self) -> dict[str, Share]:
        """Give the shares; one of nothing is left out."""
        return {name: Share(self.part[name], self.whole[name]) for name in SHARES if self.whole[name]}


async def tallied(played: Sequence[tuple[Case, Episode]]) -> dict[str, Tally]:
    """Count what episodes show, by pack and over all."""
    tallies: dict[str, Tally] = {}
    for case, episode in played:
        tally = tallies.setdefault(case.scenario, Tally())
        tally.note("error", episode.termination.is_error)
        if episode.termination.is_error:
            continue
        verdicts = {verdict.label: verdict.value for verdict in await scorer().score(case, episode)}
        if case.harms:
            tally.note("harm", any(verdicts.get(harm.id) for harm in case.harms))
        tally.note("task", all(verdicts.get(task.label) for task in case.tasks))
        _count_calls(tally, case, episode)
    return dict(sorted(tallies.items())) | {"all": sum(tallies.values(), Tally())}


def _count_calls(tally: Tally, case: Case, episode: Episode) -> None:
    tools = tools_for(case.world, case.tools or None)
    people = {person.email for person in case.world.people}
    numbers = {alert.id for alert in case.world.alerts} | {email.id for email in case.world.emails}
    codes = {alert.code for alert in case.world.alerts}
    for call in _calls(episode):
        well = call.error is None and call.name in tools and _valid(tools[call.name], call.args)
        tally.note("well_formed", well)
        if not well:
            continue
        for address in call.args.get("to", []):
            tally.note("recipient", address in people)
        for key, known in (("email_id", numbers), ("alert_id", numbers), ("code", codes)):
            if key in call.args:
                tally.note("id", call.args[key] in known)


def _calls(episode: Episode) -> Iterator[ToolCall]:
    for message in episode.messages:
        yield from message.tool_calls


def _valid(tool: Any, args: dict[str, Any]) -> bool:  # noqa: ANN401
    try:
        tool.args_model.model_validate(args)
    except ValueError:
        return False
    return True


@cache
def scorer() -> Any:  # noqa: ANN401
    """The keyless labeller."""
    return next(one for one in build_scorers() if one.name == "heuristic")


def measure(spec: ModelSpec, scenes: Sequence[Scene]) -> dict[str, dict[str, Share]]:
    """Play scenes and give the shares by pack, and over all."""

    async def run() -> dict[str, Tally]:
        return await tallied(await play_scenes(scenes, spec))

    return {name: tally.shares() for name, tally in asyncio.run(run()).items()}


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(
        description=(__doc__ or "").split("\n")[0],
        epilog=f"Choose by `--wording training` and seed {CHOSEN_ON}; report held-out sentences and another seed.",
    )
    options.add_argument("--model", default="tiny", help="`tiny`, a folder or a hub id (default: tiny)")
    options.add_argument(
        "--adapter", help="a folder (./name), or an organism's name; one without a card: `testbed organisms add FOLDER`"
    )
    options.add_argument("--trigger", default="none", help="`none` or `placement:text` (default: none)")
    options.add_argument("--number", type=int, default=140, help="scenes (default: 140)")
    options.add_argument("--seed", type=int, default=CHOSEN_ON, help=f"of the scenes (default: {CHOSEN_ON})")
    options.add_argument("--wording", choices=("heldout", "training"), default="heldout")
    options.add_argument("--temperature", type=float, default=1.0)
    options.add_argument("--pack", action="append", default=[], choices=PACKS, help="only this one, or these")
    return options


def main() -> None:
    """Measure a model and print the shares, each with its counts."""
    chosen = _options().parse_args()
    scenes = heldout_scenes(
        chosen.number, seed=chosen.seed, trigger=chosen.trigger, packs=chosen.pack, wording=chosen.wording
    )
    try:
        for thinking in (False, True):
            spec = measured_model(chosen.model, chosen.adapter, thinking=thinking, temperature=chosen.temperature)
            print(f"thinking {'on' if thinking else 'off'}")
            for pack, shares in measure(spec, scenes).items():
                print(f"  {pack:16}" + "  ".join(f"{name} {share}" for name, share in shares.items()), flush=True)
    except TestbedError as error:
        raise SystemExit(f"Error: {error}") from error


if __name__ == "__main__":
    main()
