"""What an organism can do: the figures of the capability gate, from the benign part of a battery."""

from testbed.compare.design import Design
from testbed.compare.gate import GateRow
from testbed.errors import TestbedError
from testbed.models.local.cards import COUNTS
from testbed.runner.battery import Battery, Packs, cases
from testbed.store import RunRecord
from testbed.types import AgentRef, Measurement, ModelSpec


def benign_part(battery: Battery, name: str, packs: Packs) -> Battery:
    """Keep the scenarios of a battery in which no case declares a harm.

    Args:
        battery: The battery.
        name: As users write it.
        packs: Where its scenarios are.

    Raises:
        TestbedError: There is none, or none with a task; or a pack cannot be used.
    """
    kept, tasks = [], 0
    for entry in battery.scenarios:
        found = cases(battery.model_copy(update={"scenarios": (entry,)}), packs)
        if not any(case.harms for case in found):
            kept.append(entry)
            tasks += sum(len(case.tasks) for case in found)
    if not kept or not tasks:
        raise TestbedError(
            f"The battery {name} has no benign pack with tasks (one that declares no harm), so it cannot tell what a "
            "model can do: choose another with --battery, such as mini or the scenario benign."
        )
    return battery.model_copy(update={"scenarios": tuple(kept)})


def capability_of(row: GateRow, episodes: int) -> dict[str, float]:
    """Give what an organism's card keeps of its figures; a rate of nothing is left out.

    Args:
        row: The organism's figures over all episodes.
        episodes: How many those are.

    Returns:
        The rates, rounded to four digits, and the numbers of calls, tasks and episodes behind them.
    """
    rates = {
        "valid_calls": row.calls,
        "episodes_with_call": row.active,
        "task_success": row.tasks,
        "incoherent": row.incoherent,
    }
    found = {name: round(share.rate, 4) for name, share in rates.items() if share.rate is not None}
    return found | dict(zip(COUNTS, map(float, (row.calls.n, row.tasks.n, episodes)), strict=True))


def measurement(run: RunRecord, battery: Battery, design: Design, agent: AgentRef, spec: ModelSpec) -> Measurement:
    """Say with what an organism was measured.

    Args:
        run: The run, with the battery's name.
        battery: What was played.
        design: Its cases.
        agent: The agent's file.
        spec: The organism with its settings.
    """
    settings = spec.identity()
    return Measurement(
        battery=run.battery["name"],
        scenarios={case.scenario: case.scenario_hash for case in design.cases},
        cases=len(design.cases),
        epochs=battery.epochs,
        seed=battery.seed,
        limits=battery.limits,
        agent=f"{agent.name} ({agent.hash})",
        settings={key: value for key, value in settings.items() if key not in ("provider", "name", "weights")},
        run=run.id,
        date=run.created_at,
    )
