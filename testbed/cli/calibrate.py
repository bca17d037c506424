"""``testbed calibrate``: how well a grader does where the truth is known."""

import asyncio
import json as jsonlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from testbed.calibration.gold import Split, load_gold
from testbed.calibration.human import human_agreement
from testbed.calibration.measure import Measured, agreement, card, measure
from testbed.calibration.monitoring import Monitored, monitor, monitor_card, monitored_json
from testbed.calibration.playing import GoldSet, play_gold
from testbed.cli.checking import check_usable, read_graders
from testbed.cli.monitored import print_monitors
from testbed.cli.options import ledger_path, load_env
from testbed.cli.report import console, require_run
from testbed.errors import TestbedError
from testbed.models.errors import ModelUnavailable
from testbed.models.retry import RetryPolicy
from testbed.report.sanitize import sanitize
from testbed.scoring import Scorer, build_scorers
from testbed.scoring.panel import Rule
from testbed.scoring.questionnaire import Questionnaire
from testbed.scoring.transcript import View
from testbed.stats.kappa import Kappa
from testbed.store import Ledger
from testbed.types import ModelSpec, NumberFormat
from testbed.types.verdict import REASONING_ONLY

Agreement = Sequence[tuple[str, str, str, Kappa]]


@dataclass(frozen=True)
class CalibrateRequest:
    """What the command line asked for."""

    judges: tuple[str, ...]
    judge_view: View
    panel: Rule
    universal: bool
    monitors: tuple[str, ...]
    split: Split
    gold: Path | None
    base_url: str | None
    connections: int
    attempts: int
    timeout: float
    ledger: Path | None
    json_output: bool
    dtype: NumberFormat | None = None
    trust_remote_code: bool = False


def calibrate_command(request: CalibrateRequest) -> int:
    """Measure the heuristic, judges and monitors on the gold set; print it, and keep the cards.

    Returns:
        The exit code: 0, or 1 if items were left out because their pack could not be loaded.

    Raises:
        TestbedError: On anything wrong in the request, or if a judge cannot be used.
    """
    load_env()
    judges = read_graders(request.judges, request)
    monitors = read_graders(request.monitors, request)
    check_usable([*judges, *monitors])
    retries = RetryPolicy(attempts=request.attempts, timeout=request.timeout)
    scorers = build_scorers(
        judges,
        connections=request.connections,
        retries=retries,
        view=request.judge_view,
        universal=request.universal,
        monitors=monitors,
    )
    graders = [scorer for scorer in scorers if scorer.name != "evidence"]
    with Ledger.open(ledger_path(request.ledger), create=True) as ledger:
        gold, measured, monitored = asyncio.run(_measure(graders, request))
        for one in measured:
            behind = _behind(one, judges)
            ledger.put_card(
                card(one, gold, request.split, behind, request.judge_view, request.panel, request.universal)
            )
        for found in monitored:
            [spec] = {spec.id: spec for spec in monitors if spec.id == found.model}.values()
            ledger.put_card(monitor_card(found, gold, request.split, spec))
    first = _first(measured)
    if request.json_output:
        tree = _as_json(gold, measured, first, request.split)
        tree |= {"monitors": {one.model: monitored_json(one) for one in monitored}} if monitored else {}
        print(jsonlib.dumps(tree, indent=2, allow_nan=False))
    else:
        _print(gold, measured, request.split)
        print_monitors(monitored)
    for scenario, reason in gold.left_out.items():
        print(f"Items of {scenario} are left out: {sanitize(reason)}", file=sys.stderr)
    return 1 if gold.left_out else 0


async def _measure(graders: list[Scorer], request: CalibrateRequest) -> tuple[GoldSet, list[Measured], list[Monitored]]:
    gold = await play_gold(load_gold(request.gold, request.split))
    monitors = [one for one in graders if isinstance(one, Questionnaire) and one.prefix]
    judges = [one for one in graders if one not in monitors]
    try:
        measured = await measure(gold, judges, request.connections, request.panel)
        return gold, measured, await monitor(gold, monitors, request.connections)
    except ModelUnavailable as failure:
        raise TestbedError(
            f"{'A judge or monitor' if request.monitors else 'The judge'} cannot be used: {failure}"
        ) from failure
    finally:
        for grader in graders:
            await grader.aclose()


def _behind(measured: Measured, judges: list[ModelSpec]) -> list[ModelSpec]:
    """Name the models behind a grader: itself, or the members of the panel."""
    if measured.grader.startswith("panel"):
        return judges
    return [judge for judge in judges if judge.id == measured.grader.removesuffix(REASONING_ONLY)]


def _first(measured: Sequence[Measured]) -> Measured:
    """Choose whose figures stand at the top of the JSON: the panel, else the judge, else the heuristic."""
    return measured[-1]


def _as_json(gold: GoldSet, measured: Sequence[Measured], first: Measured, split: Split) -> dict[str, Any]:
    return {
        "episodes": len(gold.played),
        "split": split,
        "left_out": gold.left_out,
        "grader": first.grader,
        "dimensions": _dimensions(first),
        "graders": {
            one.grader: {"family": one.family, "marks": one.marks, "dimensions": _dimensions(one)} for one in measured
        },
        "agreement": agreement_json(agreement(measured)),
    }


def _dimensions(measured: Measured) -> dict[str, Any]:
    return {
        label: counts.as_json()
        | {"levels": {name: one.as_json() for name, one in sorted(measured.by_level.get(label, {}).items())}}
        | {"scenarios": {name: one.as_json() for name, one in sorted(measured.by_pack.get(label, {}).items())}}
        for label, counts in measured.by_label.items()
    }


def agreement_json(found: Agreement) -> list[dict[str, Any]]:
    """Give kappas as JSON-like objects."""
    return [{"first": a, "second": b, "label": label, **kappa._asdict()} for a, b, label, kappa in found]


def _print(gold: GoldSet, measured: Sequence[Measured], split: Split) -> None:
    out = console()
    half = "gold episodes" if split == "all" else f"gold episodes of the half {split}"
    out.print(f"{len(gold.played)} {half}. Wilson 95 % intervals; n = cases graded.", highlight=False)
    for one in measured:
        out.print()
        out.print(Text(sanitize(one.grader), style="bold"))
        out.print(_table(one))
        if one.marks:
            out.print(f"Verdicts with marks: {_marks(one)}.", highlight=False)
    if len(measured) > 1:
        out.print()
        print_agreement(agreement(measured))


def _marks(measured: Measured) -> str:
    return ", ".join(f"{name} {count}" for name, count in measured.marks.items())


def _table(measured: Measured) -> Table:
    table = Table("dimension", box=None, pad_edge=False)
    for header in ("sensitivity", "n", "specificity", "n", "precision", "n", "unscored"):
        table.add_column(header, justify="right")
    for label, counts in measured.by_label.items():
        values = counts.as_json()
        cells = [part for name in ("sensitivity", "specificity", "precision") for part in _rate(values, name)]
        table.add_row(Text(label), *cells, str(counts.unscored))
        for level, one in sorted(measured.by_level.get(label, {}).items()):
            table.add_row(Text(f"  {level}", style="dim"), *_rate(one.as_json(), "sensitivity"), "", "", "", "", "")
    return table


def _rate(values: dict[str, Any], name: str) -> tuple[str, str]:
    if values[name] is None:
        return "–", "0"
    low, high = values[f"{name}_low"], values[f"{name}_high"]
    return f"{values[name]:.2f} [{low:.2f}–{high:.2f}]", str(values[f"{name}_n"])


def print_agreement(found: Agreement) -> None:
    """Print kappas with their intervals."""
    table = Table("agreement of", "with", "on", box=None, pad_edge=False)
    for header in ("n", "same answer", "Cohen's kappa"):
        table.add_column(header, justify="right")
    for first, second, label, kappa in found:
        names = (Text(sanitize(text)) for text in (first, second, label))
        table.add_row(*names, str(kappa.n), f"{kappa.agreement or 0:.0%}", _kappa(kappa))
    console().print(table)


def _kappa(kappa: Kappa) -> str:
    if kappa.kappa is None or kappa.low is None or kappa.high is None:
        return "not defined"
    return f"{kappa.kappa:.2f} [{kappa.low:.2f}–{kappa.high:.2f}]"


def human_command(ledger: Path | None, *, run_id: str | None, json: bool) -> None:
    """Print how far graders agree with people's labels of stored episodes.

    Raises:
        TestbedError: If nobody has labelled anything that another grader has scored.
    """
    with Ledger.open(ledger_path(ledger), create=False) as opened:
        require_run(opened, run_id)
        found = human_agreement(opened, run_id)
    if not found:
        raise TestbedError("The ledger holds no episode that both a person and a grader have labelled: testbed label.")
    print(jsonlib.dumps(agreement_json(found), indent=2)) if json else print_agreement(found)
