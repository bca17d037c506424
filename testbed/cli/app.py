"""The commands and their options; what they do is imported when they are called."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from testbed.cli import compare, finetune, organisms, scenario
from testbed.cli.options import (
    AllowCodeOption,
    AttemptsOption,
    BaseUrlOption,
    ConnectionsOption,
    DtypeOption,
    JsonOption,
    JudgeViewOption,
    LedgerOption,
    PacksOption,
    PanelOption,
    TimeoutOption,
    TokensOption,
    TrustOption,
    TurnsOption,
    split,
)

app = typer.Typer(
    help="Run tool-using agents through simulated companies, score what they really did, report honest rates.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

split_values = split  # `calibrate` has an option of that name

app.add_typer(scenario.app, name="scenario")
app.add_typer(finetune.app, name="finetune")
app.add_typer(organisms.app, name="organisms")
app.command("compare-organisms")(compare.compare_organisms)


def _version(wanted: bool) -> None:
    if wanted:
        from testbed import __version__

        typer.echo(f"testbed {__version__}")
        raise typer.Exit


@app.callback()
def top(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Options before the command."""


@app.command()
def run(
    battery: Annotated[str, typer.Argument(help="A battery (name or YAML file) or a scenario (name or folder).")],
    model: Annotated[
        list[str] | None, typer.Option("--model", "-m", help="provider/name, instead of the battery's. Repeatable.")
    ] = None,
    agent: Annotated[
        list[str] | None, typer.Option("--agent", help="Agent name or ./file.py, instead of the battery's. Repeatable.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="factor=level or factor=level,level; 'all' for every level. Repeatable."),
    ] = None,
    isomorph: Annotated[
        list[str] | None,
        typer.Option(help="Re-draw company, people, dates and mail order by this number; 0 is as written. Repeatable."),
    ] = None,
    judge: Annotated[
        list[str] | None,
        typer.Option(help="provider/name of the judge; several make a panel; without one, the heuristic. Repeatable."),
    ] = None,
    judge_view: JudgeViewOption = "actions+reasoning",
    panel: PanelOption = "majority",
    epochs: Annotated[int | None, typer.Option(min=1, help="Episodes for each case and model.")] = None,
    seed: Annotated[int | None, typer.Option(help="Every episode derives its own seed from this one.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Play at most so many episodes of the plan.")] = None,
    max_connections: ConnectionsOption = 16,
    max_turns: TurnsOption = None,
    max_tokens: TokensOption = None,
    timeout: TimeoutOption = 600.0,
    attempts: AttemptsOption = 6,
    temperature: Annotated[float | None, typer.Option(min=0, help="For every model; default: the provider's.")] = None,
    reasoning: Annotated[
        str | None, typer.Option(help="Effort (low, medium, high) or token budget; local/…: on, off, prefill:TEXT.")
    ] = None,
    dtype: DtypeOption = None,
    trust_remote_code: TrustOption = False,
    base_url: BaseUrlOption = None,
    allow_code: AllowCodeOption = False,
    scenarios: PacksOption = None,
    ledger: LedgerOption = None,
    json_output: JsonOption = False,
) -> None:
    """Play what the ledger lacks of a battery, score it, and print the rates.

    Exit codes: 0 complete, 1 incomplete or all failed, 2 wrong usage, 130 interrupted.
    """
    from testbed.cli.run import RunRequest, run_command
    from testbed.runner.battery import Overrides
    from testbed.scenario.conditions import parse_settings

    overrides = Overrides(
        models=split(model),
        agents=split(agent),
        settings=parse_settings([*(settings or []), *(f"isomorph={number}" for number in isomorph or [])]),
        epochs=epochs,
        seed=seed,
        base_url=base_url,
        temperature=temperature,
        reasoning=reasoning,
        dtype=dtype,
        trust_remote_code=trust_remote_code,
        max_turns=max_turns,
        max_tokens=max_tokens,
    )
    request = RunRequest(
        battery=battery,
        overrides=overrides,
        packs=tuple(scenarios or ()),
        allow_code=allow_code,
        judges=tuple(split(judge)),
        judge_view=judge_view,
        panel=panel,
        limit=limit,
        connections=max_connections,
        timeout=timeout,
        attempts=attempts,
        ledger=ledger,
        json_output=json_output,
    )
    raise typer.Exit(run_command(request))


@app.command()
def score(
    judge: Annotated[
        list[str] | None, typer.Option(help="provider/name of a judge; several make a panel. Repeatable.")
    ] = None,
    judge_view: JudgeViewOption = "actions+reasoning",
    panel: PanelOption = "majority",
    universal: Annotated[
        bool, typer.Option(help="Ask the judges about deception and context too: one more call an episode.")
    ] = False,
    monitor: Annotated[
        list[str] | None,
        typer.Option(help="provider/name of a chain-of-thought monitor: three calls an episode. Repeatable."),
    ] = None,
    diff: Annotated[
        tuple[str, str] | None, typer.Option(metavar="A B", help="Instead: where graders A and B differ, and why.")
    ] = None,
    run_id: Annotated[str | None, typer.Option("--run", help="Only the episodes of this run (default: all).")] = None,
    scenario: Annotated[str | None, typer.Option(help="Only this scenario.")] = None,
    model: Annotated[str | None, typer.Option("--model", "-m", help="Only this model.")] = None,
    base_url: Annotated[str | None, typer.Option(help="Server of compat/… judges.")] = None,
    dtype: DtypeOption = None,
    trust_remote_code: Annotated[
        bool, typer.Option("--trust-remote-code", help="Let local/… judges and monitors run code that comes with them.")
    ] = False,
    max_connections: Annotated[int, typer.Option(min=1, help="Judge calls under way at once.")] = 16,
    attempts: Annotated[int, typer.Option(min=1, help="Attempts for one judge call.")] = 6,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds for one judge call.")] = 600.0,
    allow_code: AllowCodeOption = False,
    scenarios: PacksOption = None,
    json_output: JsonOption = False,
    ledger: LedgerOption = None,
) -> None:
    """Score stored episodes anew; no agent is asked again. Verdicts of other graders and versions stay."""
    from testbed.cli.score import ScoreRequest, diff_command, score_command

    if diff is not None:
        diff_command(ledger, *diff, run_id=run_id, json=json_output)
        return
    request = ScoreRequest(
        run_id=run_id,
        scenario=scenario,
        model=model,
        judges=tuple(split(judge)),
        judge_view=judge_view,
        panel=panel,
        universal=universal,
        monitors=tuple(split(monitor)),
        base_url=base_url,
        dtype=dtype,
        trust_remote_code=trust_remote_code,
        connections=max_connections,
        attempts=attempts,
        timeout=timeout,
        packs=tuple(scenarios or ()),
        allow_code=allow_code,
        ledger=ledger,
        json_output=json_output,
    )
    raise typer.Exit(score_command(request))


@app.command()
def report(
    run_id: Annotated[str | None, typer.Option("--run", help="Only the episodes of this run (default: all).")] = None,
    scenario: Annotated[str | None, typer.Option(help="Only this scenario.")] = None,
    model: Annotated[str | None, typer.Option("--model", "-m", help="Only this model.")] = None,
    all_graders: Annotated[bool, typer.Option(help="A row for each grader, not only the judge's.")] = False,
    published: Annotated[
        bool, typer.Option("--published", help="Set published rates beside, where there are.")
    ] = False,
    all_labels: Annotated[
        bool, typer.Option(help="Rows for deception and context as well, not only for harms and tasks.")
    ] = False,
    corrected: Annotated[
        bool, typer.Option("--corrected", help="Rates corrected for the grader's errors, where a card exists.")
    ] = False,
    csv_output: Annotated[bool, typer.Option("--csv", help="Print CSV on stdout.")] = False,
    json_output: JsonOption = False,
    ledger: LedgerOption = None,
) -> None:
    """Print rates with Wilson 95 % intervals, per model and condition, from the ledger."""
    from testbed.cli.report import report_command

    report_command(
        ledger,
        run_id=run_id,
        scenario=scenario,
        model=model,
        all_graders=all_graders,
        all_labels=all_labels,
        csv=csv_output,
        json=json_output,
        published=published,
        corrected=corrected,
    )


@app.command()
def calibrate(
    judge: Annotated[
        list[str] | None, typer.Option(help="provider/name of a judge; without one, the heuristic alone. Repeatable.")
    ] = None,
    judge_view: JudgeViewOption = "actions+reasoning",
    panel: PanelOption = "majority",
    universal: Annotated[
        bool, typer.Option(help="Ask the judges about deception and context too: one more call an item.")
    ] = False,
    split: Annotated[
        Literal["held-out", "tune", "all"], typer.Option(help="Half of the gold set; graders may be tuned on `tune`.")
    ] = "held-out",
    gold: Annotated[Path | None, typer.Option(help="A folder with gold items of your own, instead.")] = None,
    monitor: Annotated[
        list[str] | None,
        typer.Option(help="provider/name of a chain-of-thought monitor: up to three calls an episode. Repeatable."),
    ] = None,
    human: Annotated[
        bool, typer.Option("--human", help="Instead: how far graders agree with people's labels in the ledger.")
    ] = False,
    run_id: Annotated[str | None, typer.Option("--run", help="With --human: only the episodes of this run.")] = None,
    base_url: Annotated[str | None, typer.Option(help="Server of compat/… judges.")] = None,
    dtype: DtypeOption = None,
    trust_remote_code: Annotated[
        bool, typer.Option("--trust-remote-code", help="Let local/… judges and monitors run code that comes with them.")
    ] = False,
    max_connections: Annotated[int, typer.Option(min=1, help="Judge calls under way at once.")] = 16,
    attempts: Annotated[int, typer.Option(min=1, help="Attempts for one judge call.")] = 6,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds for one judge call.")] = 600.0,
    json_output: JsonOption = False,
    ledger: LedgerOption = None,
) -> None:
    """Measure graders on the gold set, whose labels are known, and keep a calibration card in the ledger."""
    from testbed.cli.calibrate import CalibrateRequest, calibrate_command, human_command

    if human:
        human_command(ledger, run_id=run_id, json=json_output)
        return
    request = CalibrateRequest(
        judges=tuple(split_values(judge)),
        judge_view=judge_view,
        panel=panel,
        universal=universal,
        monitors=tuple(split_values(monitor)),
        split=split,
        gold=gold,
        base_url=base_url,
        dtype=dtype,
        trust_remote_code=trust_remote_code,
        connections=max_connections,
        attempts=attempts,
        timeout=timeout,
        ledger=ledger,
        json_output=json_output,
    )
    raise typer.Exit(calibrate_command(request))


@app.command()
def label(
    run_id: Annotated[str | None, typer.Option("--run", help="Only the episodes of this run (default: all).")] = None,
    name: Annotated[str, typer.Option(help="Who labels; stored as human:NAME.")] = "rater",
    labels: Annotated[
        list[str] | None,
        typer.Option("--label", help="A further label to ask, such as refusal or deception.fabrication. Repeatable."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many episodes this time.")] = None,
    ledger: LedgerOption = None,
) -> None:
    """Label stored episodes yourself, blind: no model names, no verdicts of others. Can be left and resumed."""
    from testbed.cli.label import label_command

    label_command(ledger, run_id=run_id, name=name, labels=tuple(split_values(labels)), limit=limit)


@app.command()
def show(
    episode: Annotated[str, typer.Argument(help="An episode's id, or the beginning of it.")],
    json_output: JsonOption = False,
    ledger: LedgerOption = None,
) -> None:
    """Print one episode: who wrote to whom, what was proposed and what was executed."""
    from testbed.cli.show import show_command

    show_command(ledger, episode, json=json_output)


@app.command("episodes")
def episodes(
    run_id: Annotated[str | None, typer.Option("--run", help="Only the episodes of this run.")] = None,
    scenario: Annotated[str | None, typer.Option(help="Only this scenario.")] = None,
    model: Annotated[str | None, typer.Option("--model", "-m", help="Only this model.")] = None,
    json_output: JsonOption = False,
    ledger: LedgerOption = None,
) -> None:
    """List the episodes of the ledger with their ids, for ``testbed show``."""
    from testbed.cli.show import episodes_command

    episodes_command(ledger, run_id=run_id, scenario=scenario, model=model, json=json_output)


@app.command("list")
def list_content(scenarios: PacksOption = None) -> None:
    """List the batteries, scenarios with their factors, agents and control models at hand."""
    from testbed.cli.listing import list_command

    list_command(tuple(scenarios or ()))
