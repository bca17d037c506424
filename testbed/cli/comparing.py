"""What ``testbed compare-organisms`` does: checks everything first, then plays, then compares."""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from testbed import content
from testbed.agent.program import Program, load_program
from testbed.authoring.packcode import use_code
from testbed.cli.checking import read_graders
from testbed.cli.options import ledger_path, load_env
from testbed.cli.report import console
from testbed.cli.run import (
    check_controls,
    check_graphs,
    check_models,
    closing_lines,
    exit_code,
    new_run_id,
    play_planned,
    record_of,
)
from testbed.compare.arms import make_arms
from testbed.compare.design import Design, make_design
from testbed.compare.gate import Thresholds
from testbed.compare.render import tables
from testbed.compare.result import Comparison, compare
from testbed.compare.triggers import Texts, find_texts, make_cells
from testbed.errors import TestbedError
from testbed.models.retry import RetryPolicy
from testbed.runner.battery import Battery, Overrides, Packs, apply, load_battery
from testbed.runner.run import Settings, Summary
from testbed.scoring import Scorer, build_scorers, panel_of
from testbed.scoring.panel import Rule
from testbed.scoring.transcript import View
from testbed.store import Ledger
from testbed.types import ModelSpec


@dataclass(frozen=True)
class CompareRequest:
    """What the command line asked for; the models of ``overrides`` are base, control if there is one, organisms."""

    battery: str
    overrides: Overrides
    has_control: bool
    triggers: tuple[str, ...]
    placements: tuple[str, ...]
    trigger_text: str | None
    siblings: tuple[str, ...]
    paraphrases: tuple[str, ...]
    thresholds: Thresholds
    by_condition: bool
    packs: tuple[Path, ...]
    allow_code: bool
    judges: tuple[str, ...]
    judge_view: View
    panel: Rule
    connections: int
    timeout: float
    attempts: int
    ledger: Path | None
    json_output: bool


def compare_command(request: CompareRequest) -> int:
    """Compare organisms with their base.

    Returns:
        The exit code: 0 complete, 1 incomplete, 130 interrupted.

    Raises:
        TestbedError: On anything wrong in the request; nothing has been written or spent then.
    """
    load_env()
    packs = Packs(request.packs)
    battery = apply(load_battery(request.battery, request.packs), request.overrides, packs)
    judges = read_graders(request.judges, request.overrides)
    models = [entry.spec() for entry in battery.models]
    check_models(models, judges)
    program = load_program(content.find_agent(only_agent(battery)))
    first = 2 if request.has_control else 1
    arms = make_arms(models[0], models[1] if request.has_control else None, models[first:])
    texts = find_texts(arms, request.trigger_text, request.siblings, request.paraphrases)
    cells = make_cells(request.triggers, request.placements, texts)
    design = make_design(battery, arms, cells, program.ref, packs)
    use_code((packs.load(entry.scenario) for entry in battery.scenarios), allow=request.allow_code)
    check_controls(models, design.cases)
    check_graphs([program], design.cases)
    return _play_and_compare(request, battery, design, program, judges, texts)


def _play_and_compare(
    request: CompareRequest,
    battery: Battery,
    design: Design,
    program: Program,
    judges: list[ModelSpec],
    texts: Texts,
) -> int:
    settings = Settings(
        run_id=new_run_id(),
        connections=request.connections,
        retries=RetryPolicy(attempts=request.attempts, timeout=request.timeout),
        panel=request.panel,
    )
    scorers = build_scorers(judges, connections=request.connections, retries=settings.retries, view=request.judge_view)
    with Ledger.open(ledger_path(request.ledger), create=True) as ledger:
        record = record_of(settings.run_id, battery, request.battery)
        summary = play_planned(ledger, record, {program.ref.hash: program}, scorers, settings, design.planned, [])
        found = compare(
            ledger,
            design,
            run_id=settings.run_id,
            name=request.battery,
            battery=battery,
            agent=program.ref,
            texts=texts,
            grader=_grader(scorers, request.panel),
            thresholds=request.thresholds,
            by_condition=request.by_condition,
        )
    _print(found, summary, request)
    return exit_code(summary)


def only_agent(battery: Battery) -> str:
    """Give the battery's agent.

    Raises:
        TestbedError: It has several.
    """
    if len(battery.agents) > 1:
        raise TestbedError(f"The battery has several agents ({', '.join(battery.agents)}): choose one with --agent.")
    return battery.agents[0]


def _grader(scorers: list[Scorer], rule: Rule) -> str:
    """Whose word counts: the panel's, else the judge's, else the heuristic's."""
    panel = panel_of(scorers, rule)
    return panel.grader if panel is not None else scorers[-1].grader


def _print(found: Comparison, summary: Summary, request: CompareRequest) -> None:
    if request.json_output:
        facts = {**asdict(summary), "usage": summary.usage.model_dump(), "missing": summary.missing}
        print(json.dumps({"run": facts, "comparison": found.model_dump(mode="json")}, indent=2, allow_nan=False))
    else:
        out = console()
        for part in tables(found):
            out.print(part)
        out.print()
        for note in found.notes:
            out.print(f"- {note}", markup=False, highlight=False)
    for line in closing_lines(summary):
        print(line, file=sys.stderr)
