"""A comparison as one record: rates, gates, differences, and what they rest on."""

from collections.abc import Sequence
from typing import Any

from testbed import __version__
from testbed.compare.arms import Arm
from testbed.compare.design import Design
from testbed.compare.differences import Difference, differences
from testbed.compare.gate import GateRow, Thresholds, gates
from testbed.compare.outcomes import Read, read_outcomes
from testbed.compare.rates import CellRate, cell_rates
from testbed.compare.scopes import scopes
from testbed.compare.triggers import PLACES, Texts
from testbed.runner.battery import Battery
from testbed.stats.paired import LEAST_CLUSTERS
from testbed.store import Ledger
from testbed.types import AgentRef, Frozen, Organism, content_hash


class ArmRecord(Frozen):
    """An arm as it is kept: the model with all that changes its answers, and its organism's card.

    ``card_hash`` leaves the card's measured capability out: measuring an organism makes no other one of it.
    """

    role: str
    model: str
    settings: dict[str, Any]
    weights: str | None = None
    card: Organism | None = None
    card_hash: str | None = None


class CellRecord(Frozen):
    """A cell as it is kept; ``level`` is the level of the factor ``trigger``."""

    trigger: str
    placement: str
    level: str


class Comparison(Frozen):
    """All that ``compare-organisms`` says.

    Attributes:
        run: The run in the ledger.
        battery: Its name, seed, epochs and limits.
        agent: The agent's file, by name and hash.
        arms: Base first.
        trigger: The trigger's texts and where they are from.
        cells: What is crossed.
        scenarios: Hash of each scenario.
        cases: Hashes of the cases without a trigger, the clusters.
        graders: Whose verdicts the rates rest on.
        thresholds: Of the capability gate.
        software: Version of the testbed.
        notes: What a reader of the figures must know, in sentences.
    """

    run: str
    battery: dict[str, Any]
    agent: AgentRef
    arms: tuple[ArmRecord, ...]
    trigger: dict[str, Any]
    cells: tuple[CellRecord, ...]
    scenarios: dict[str, str]
    cases: tuple[str, ...]
    graders: tuple[str, ...]
    thresholds: Thresholds
    software: str
    gates: tuple[GateRow, ...]
    rates: tuple[CellRate, ...]
    differences: tuple[Difference, ...]
    notes: tuple[str, ...]


def compare(
    ledger: Ledger,
    design: Design,
    *,
    run_id: str,
    name: str,
    battery: Battery,
    agent: AgentRef,
    texts: Texts,
    grader: str,
    thresholds: Thresholds,
    by_condition: bool = False,
) -> Comparison:
    """Compute a comparison from what the ledger holds of it.

    Args:
        ledger: Where the episodes and verdicts are.
        design: What was planned.
        run_id: The run that asked for it.
        name: The battery's name.
        battery: The battery as it was played.
        agent: The agent's file.
        texts: The trigger's texts.
        grader: Whose verdicts on harms count.
        thresholds: Of the capability gate.
        by_condition: Whether each condition has rows of its own as well.
    """
    read = read_outcomes(ledger, design, run_id, grader)
    rows = scopes(read.outcomes, by_condition=by_condition)
    gated = gates(design, read.outcomes, thresholds)
    states = {(row.arm, row.trigger, row.placement): row.state for row in gated if row.trigger}
    incapable = {key for key, state in states.items() if state == "incapable"}
    played = battery.model_dump(mode="json", exclude={"models", "description"}, exclude_none=True)
    return Comparison(
        run=run_id,
        battery={"name": name, **played},
        agent=agent,
        arms=tuple(map(_arm_record, design.arms)),
        trigger={
            "text": texts.on,
            "siblings": list(texts.siblings),
            "paraphrases": list(texts.paraphrases),
            "source": texts.source,
            "placements": {place: PLACES[place] for place in dict.fromkeys(c.placement for c in design.cells) if place},
        },
        cells=tuple(CellRecord(trigger=c.name, placement=c.placement, level=c.level) for c in design.cells),
        scenarios={case.scenario: case.scenario_hash for case in design.cases},
        cases=tuple(dict.fromkeys(slot.cluster for slot in design.slots.values())),
        graders=tuple(sorted(read.graders)),
        thresholds=thresholds,
        software=f"testbed {__version__}",
        gates=tuple(gated),
        rates=tuple(cell_rates(design, read.outcomes, rows, incapable)),
        differences=tuple(differences(design, read.outcomes, rows, states)),
        notes=tuple(_notes(design, read, gated, grader)),
    )


def _arm_record(arm: Arm) -> ArmRecord:
    return ArmRecord(
        role=arm.role,
        model=arm.name,
        settings=arm.spec.identity(),
        weights=arm.spec.weights,
        card=arm.card,
        card_hash=content_hash(arm.card.identity()) if arm.card is not None else None,
    )


def _format_notes(arms: Sequence[Arm]) -> list[str]:
    """Say where a difference may come from a number format that nobody here knows."""
    local = {arm.spec.dtype for arm in arms if arm.spec.provider == "local"}
    served = [arm.name for arm in arms if arm.spec.provider not in ("local", "control")]
    if not local or not served:
        return []
    formats = ", ".join(sorted(filter(None, local)))
    return [
        f"Local arms are computed in {formats}, {', '.join(served)} in a number format that is not known here: part of "
        "a difference between them may be rounding."
    ]


def _notes(design: Design, read: Read, gated: Sequence[GateRow], grader: str) -> list[str]:
    notes = [f"Harms are graded by {grader}.", *_format_notes(design.arms)]
    if not any(outcome.slot.case.tasks and not outcome.slot.case.harms for outcome in read.outcomes):
        notes.append(
            "The battery has no benign pack: benign task success was not measured, and no arm has passed the "
            "capability gate. Add one, such as the scenario benign."
        )
    for (placement, scenario), number in design.left_out.items():
        said = "case has" if number == 1 else "cases have"
        notes.append(f"{number} {said} no place for a trigger in {placement} and are not played there: {scenario}.")
    closed = {row.arm for row in gated if not row.trigger and row.state == "incapable"}
    for row in gated:
        if row.state != "incapable" or (row.trigger and row.arm in closed):
            continue
        place = f" under {row.trigger} ({row.placement})" if row.placement else f" under {row.trigger}"
        where = place if row.trigger else ""
        notes.append(f"{row.arm}{where} is incapable ({'; '.join(row.reasons)}): its low harm rate says nothing.")
    if len({slot.cluster for slot in design.slots.values() if slot.case.harms}) < LEAST_CLUSTERS:
        notes.append(
            f"Fewer than {LEAST_CLUSTERS} cases: nothing can be said of other cases. Add conditions or --isomorph."
        )
    for state, said in (("error", "ended in an error"), ("missing", "were not played")):
        count = sum(outcome.state == state for outcome in read.outcomes)
        if count:
            notes.append(f"{count} of {len(read.outcomes)} episodes {said}: their pairs are lost.")
    if read.versions > 1:
        notes.append("Several versions of a scorer are behind the verdicts: score the episodes again.")
    if any(arm.spec.provider == "control" for arm in design.arms):
        notes.append("Scripted controls are ground truth for checks and no result about any model.")
    return notes
