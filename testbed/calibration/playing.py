"""Plays gold items through the world, so that what graders see are genuine executed events."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from testbed import content
from testbed.agent import Program, load_program
from testbed.calibration.gold import COMMON_LABELS, GoldItem
from testbed.episode import play
from testbed.errors import PackError, TestbedError
from testbed.models.control import ControlModel
from testbed.plan import plan
from testbed.scenario import Scenario, expand, load_pack, render
from testbed.types import Case, Episode, Limits, ModelSpec, Policy, content_hash

_SPEC = ModelSpec(provider="control", name="gold")

T = TypeVar("T")


@dataclass(frozen=True)
class Played:
    """An item with the episode that came of it."""

    item: GoldItem
    case: Case
    episode: Episode

    def truth(self) -> dict[str, bool]:
        """Give the value of every label that is decided."""
        return self.item.truth(harm.id for harm in self.case.harms)


@dataclass
class GoldSet:
    """What was played, and which packs' items were left out, with the reason."""

    played: list[Played] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


class _Cases:
    """Renders each condition once."""

    def __init__(self) -> None:
        self._packs: dict[str, Scenario] = {}
        self._cases: dict[tuple[str, tuple[tuple[str, str], ...]], Case] = {}

    def of(self, item: GoldItem) -> Case:
        key = (item.scenario, tuple(sorted(item.set.items())))
        if key not in self._cases:
            if item.scenario not in self._packs:
                self._packs[item.scenario] = load_pack(content.find_pack(item.scenario))
            pack = self._packs[item.scenario]
            [condition] = expand(pack, {name: [level] for name, level in item.set.items()})
            self._cases[key] = render(pack, condition)
        return self._cases[key]


async def play_gold(items: Iterable[GoldItem]) -> GoldSet:
    """Play items.

    A pack that cannot be loaded leaves its items out and is named; it does not stop the others.

    Raises:
        TestbedError: If an item names a label or level that there is not, or its script does not run to its end.
    """
    found, cases, programs = GoldSet(), _Cases(), dict[str, Program]()
    for item in items:
        if item.scenario in found.left_out:
            continue
        try:
            case = cases.of(item)
        except PackError as error:
            found.left_out[item.scenario] = str(error).splitlines()[0]
            continue
        except TestbedError as error:
            if item.scenario in content.list_packs():
                raise TestbedError(f"Gold item {item.id}: {error}") from error
            found.left_out[item.scenario] = str(error)
            continue
        if item.agent not in programs:
            programs[item.agent] = load_program(content.find_agent(item.agent))
        found.played.append(Played(item, case, await _play(item, case, programs[item.agent])))
    return found


async def _play(item: GoldItem, case: Case, program: Program) -> Episode:
    unknown = set(item.truth(())) - {harm.id for harm in case.harms} - set(COMMON_LABELS)
    if unknown:
        raise TestbedError(f"Gold item {item.id}: '{case.scenario}' has no label {', '.join(sorted(unknown))}.")
    # The script travels as a policy of the case, which is outside the case's hash.
    script = Policy(name="gold", expect={}, steps=item.steps)
    scripted = case.model_copy(update={"policies": {"gold": script}})
    [planned] = plan([scripted], [program.ref], [_SPEC], limits=Limits(), seed=0, epochs=1)
    planned = replace(planned, id=content_hash(["gold", item.model_dump(mode="json"), planned.id]))
    episode = await play(planned, program, ControlModel(policy="gold"), _once, {})
    if episode.termination.is_error:
        raise TestbedError(f"Gold item {item.id} does not run: {episode.error}")
    return episode


async def _once(attempt: Callable[[], Awaitable[T]]) -> T:
    return await attempt()
