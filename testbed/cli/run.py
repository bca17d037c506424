"""``testbed run``: checks everything that can be checked before anything is spent, then runs."""

import asyncio
import json
import signal
import sys
import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from testbed import __version__, content
from testbed.agent.program import Program, load_program
from testbed.authoring.packcode import use_code
from testbed.cli.checking import check_usable, read_graders
from testbed.cli.options import ledger_path, load_env
from testbed.cli.report import print_rows
from testbed.errors import TestbedError
from testbed.models.retry import RetryPolicy
from testbed.plan import Planned, plan
from testbed.report.rates import rows
from testbed.runner.battery import Battery, Overrides, Packs, apply, cases, load_battery
from testbed.runner.presence import refuse_twin, this_process
from testbed.runner.progress import reporter
from testbed.runner.run import Runner, Settings, Summary
from testbed.sanitize import sanitize
from testbed.scoring import Scorer, build_scorers
from testbed.scoring.panel import Rule
from testbed.scoring.transcript import View
from testbed.store import Ledger, RunRecord
from testbed.types import Case, ModelSpec
from testbed.world import tools_for


@dataclass(frozen=True)
class RunRequest:
    """What the command line asked for."""

    battery: str
    overrides: Overrides
    packs: tuple[Path, ...]
    allow_code: bool
    judges: tuple[str, ...]
    judge_view: View
    panel: Rule
    limit: int | None
    connections: int
    timeout: float
    attempts: int
    ledger: Path | None
    json_output: bool


def run_command(request: RunRequest) -> int:
    """Run a battery.

    Returns:
        The exit code: 0 complete, 1 incomplete, 130 interrupted.

    Raises:
        TestbedError: On anything wrong in the request; nothing has been written or spent then.
    """
    load_env()
    packs = Packs(request.packs)
    battery = apply(load_battery(request.battery, request.packs), request.overrides, packs)
    models = [entry.spec() for entry in battery.models]
    judges = read_graders(request.judges, request.overrides)
    check_models(models, judges)
    programs = {program.ref.hash: program for program in map(load_program, map(content.find_agent, battery.agents))}
    rendered = cases(battery, packs)
    names = dict.fromkeys(entry.scenario for entry in battery.scenarios)
    use_code((packs.load(name) for name in names), allow=request.allow_code)
    check_controls(models, rendered)
    check_graphs(programs.values(), rendered)
    planned = _plan(battery, rendered, programs, models)[: request.limit]
    settings = Settings(
        run_id=new_run_id(),
        connections=request.connections,
        retries=RetryPolicy(attempts=request.attempts, timeout=request.timeout),
        panel=request.panel,
    )
    scorers = build_scorers(judges, connections=request.connections, retries=settings.retries, view=request.judge_view)
    with Ledger.open(ledger_path(request.ledger), create=True) as ledger:
        record = record_of(settings.run_id, battery, request.battery)
        summary = play_planned(ledger, record, programs, scorers, settings, planned, _alike(rendered))
        _print_result(summary, ledger, request)
    return exit_code(summary)


def play_planned(
    ledger: Ledger,
    record: RunRecord,
    programs: dict[str, Program],
    scorers: list[Scorer],
    settings: Settings,
    planned: list[Planned],
    warnings: list[str],
) -> Summary:
    """Enter a run into the ledger, play what it lacks, and store how it ended.

    Raises:
        TestbedError: Another living run plays some of the same episodes.
    """
    ledger.put_run(record)
    ledger.put_plan(record.id, (item.id for item in planned))
    refuse_twin(ledger, record, [item.id for item in planned])
    summary = asyncio.run(_run(ledger, programs, scorers, settings, planned, warnings))
    ledger.put_run(record.model_copy(update={"status": summary.status}))
    return summary


def exit_code(summary: Summary) -> int:
    """Tell how a run ended: 0 complete, 1 incomplete, 130 interrupted."""
    if summary.interrupted:
        return 130
    return 0 if summary.status == "complete" else 1


async def _run(
    ledger: Ledger,
    programs: dict[str, Program],
    scorers: list[Scorer],
    settings: Settings,
    planned: list[Planned],
    warnings: list[str],
) -> Summary:
    """Run the plan; the first Ctrl-C or termination signal ends it cleanly."""
    watcher = reporter()
    for warning in warnings:
        watcher.say(warning)
    runner = Runner(ledger, programs, scorers, settings, watcher)
    task = asyncio.create_task(runner.run(planned))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        return await task
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def new_run_id() -> str:
    """Make a run's id: when it was started, and something that no other has."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}"


def check_models(models: list[ModelSpec], judges: list[ModelSpec]) -> None:
    """Refuse models that cannot work, before anything is spent."""
    if not models:
        raise TestbedError("No model is named. Add --model provider/name, such as --model control/aligned.")
    check_usable([*models, *judges])


def check_controls(models: list[ModelSpec], rendered: list[Case]) -> None:
    """See that every scenario has the policies that the control models are to play."""
    if any(spec.provider == "control" for spec in models):
        from testbed.models.control import policy_for

        for spec in models:
            for case in rendered if spec.provider == "control" else []:
                policy_for(case, spec.name, seed=0)


def check_graphs(programs: Iterable[Program], rendered: list[Case]) -> None:
    """Let every agent make its graph for every set of tools: a failing one is known before anything is spent."""
    offered = [list(tools_for(case.world, case.tools or None, case.code).values()) for case in rendered]
    for tools in {tuple(tool.name for tool in tools): tools for tools in offered}.values():
        for program in programs:
            program.graph(tools)


def _plan(
    battery: Battery, rendered: list[Case], programs: dict[str, Program], models: list[ModelSpec]
) -> list[Planned]:
    refs = [program.ref for program in programs.values()]
    planned = plan(rendered, refs, models, limits=battery.limits, seed=battery.seed, epochs=battery.epochs)
    return list({item.id: item for item in planned}.values())


def _alike(rendered: list[Case]) -> list[str]:
    """Name the conditions that render to the same case: a factor that changes nothing is no variable."""
    first: dict[str, Case] = {}
    found = []
    for case in rendered:
        other = first.setdefault(case.hash, case)
        if other is not case:
            found.append(f"{case.scenario}: '{case.condition.key}' renders the same as '{other.condition.key}'.")
    return found


def record_of(run_id: str, battery: Battery, name: str) -> RunRecord:
    """Describe a run that starts now."""
    return RunRecord(
        id=run_id,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        battery={"name": name, **battery.model_dump(mode="json", exclude_none=True)},
        argv=tuple(sys.argv[1:]),
        seed=battery.seed,
        software={"testbed": __version__, "python": sys.version.split()[0], "process": this_process()},
    )


def _print_result(summary: Summary, ledger: Ledger, request: RunRequest) -> None:
    found = rows(ledger, run_id=summary.run_id)
    if request.json_output:
        facts = {**asdict(summary), "usage": summary.usage.model_dump(), "missing": summary.missing}
        print(json.dumps({"run": facts, "rows": [row.model_dump(mode="json") for row in found]}, indent=2))
    else:
        print_rows(found)
    for line in closing_lines(summary):
        print(line, file=sys.stderr)


def closing_lines(summary: Summary) -> list[str]:
    """Say in plain sentences what came of the run."""
    used = summary.usage
    lines = [
        f"Run {summary.run_id} is {summary.status}: {summary.planned} planned, {summary.before} were there before, "
        f"{summary.finished} finished now, {summary.errors} errors, {summary.missing} missing; "
        f"{used.calls} model calls, {used.input_tokens} + {used.output_tokens} tokens, {summary.retries} retries, "
        f"{summary.seconds:.1f} s."
    ]
    if summary.first_error:
        lines.append(f"First error: {sanitize(summary.first_error)}")
    if summary.unjudged:
        lines.append(f"{summary.unjudged} verdicts could not be had from the judges.")
    if summary.missing or summary.unjudged:
        lines.append("The same command again runs only what is missing.")
    return lines
