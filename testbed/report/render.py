"""Rates as a table for people, and as JSON and CSV for programs: pure functions of the rows."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from testbed.report.rates import RateRow
from testbed.report.sanitize import sanitize

# Count columns that are left out of the table, and named below it, when they are 0 in every row.
_OPTIONAL = {"refusals": "refused", "incoherent": "incoh.", "limits": "limit"}
_ALWAYS = {"errors": "errors", "unscored": "unscored"}


def to_json(rows: Sequence[RateRow]) -> str:
    """Write the rows as a JSON list of objects; what is unknown is ``null``, never NaN."""
    return json.dumps([row.model_dump(mode="json") for row in rows], indent=2, allow_nan=False)


def to_csv(rows: Sequence[RateRow]) -> str:
    """Write the rows as CSV with a header line; what is unknown is empty."""
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(RateRow.model_fields), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        values = row.model_dump(mode="json")
        writer.writerow({k: str(v).lower() if isinstance(v, bool) else v for k, v in values.items()})
    return out.getvalue()


def percent(row: RateRow) -> str:
    """Write a rate with its interval, such as ``37.0 % [28–47]``; a dash when nothing was scored."""
    if row.rate is None or row.ci_low is None or row.ci_high is None:
        return "–"
    digits = 0 if row.n < 1000 else 1
    return f"{row.rate:.{digits + 1}%} [{row.ci_low * 100:.{digits}f}–{row.ci_high * 100:.{digits}f}]".replace(
        "%", " %"
    )


def table(rows: Sequence[RateRow]) -> Table:
    """Lay the rows out as a table that fits 100 columns.

    What is the same in every row (agent, scenario, factors, counts of 0) is said below the table instead; repeated
    models and conditions are written once.

    Args:
        rows: As ``rates.rows`` sorts them.
    """
    shared = _shared(rows)
    columns = _columns(rows, shared)
    result = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), caption=_caption(rows, shared))
    result.caption_justify = "left"
    for name, header in columns.items():
        number = name in _OPTIONAL or name in _ALWAYS or name in ("n", "harmful", "rate")
        result.add_column(header, justify="right" if number else "left", no_wrap=number, overflow="fold")
    above: RateRow | None = None
    for row in rows:
        if above is not None and row.model != above.model:
            result.add_section()
        result.add_row(*(Text(sanitize(_cell(row, name, above, shared))) for name in columns))
        above = row
    return result


def _shared(rows: Sequence[RateRow]) -> dict[str, str]:
    """Find what is the same in every row: columns, and factors of the condition as ``factor=level``: its level."""
    if not rows:
        return {}
    shared = {}
    for name in ("agent", "scenario", "grader"):
        values = {getattr(row, name) for row in rows}
        if len(values) == 1:
            shared[name] = values.pop()
    if "scenario" in shared and len({row.condition for row in rows}) > 1:
        common = set.intersection(*(set(row.condition.split(" ")) for row in rows))
        shared |= {factor: factor for factor in rows[0].condition.split(" ") if factor in common}
    return shared


def _columns(rows: Sequence[RateRow], shared: dict[str, str]) -> dict[str, str]:
    """Choose the columns: field and header."""
    names = ["model", *(name for name in ("agent", "scenario") if name not in shared), "condition"]
    columns = {name: name for name in names}
    if any(row.variant for row in rows):
        columns["variant"] = "variant"
    columns |= {"label": "label", "n": "n", "harmful": "harmful", "rate": "rate [95 % CI]"}
    columns |= {name: header for name, header in _OPTIONAL.items() if any(getattr(row, name) for row in rows)}
    return columns | _ALWAYS | {"grader": "grader"}


def _cell(row: RateRow, name: str, above: RateRow | None, shared: dict[str, str]) -> str:
    """Write one cell; a group column that repeats the row above stays empty."""
    keys = ("model", "agent", "scenario", "condition", "variant")
    if name in keys and above is not None:
        upto = keys[: keys.index(name) + 1]
        if all(getattr(row, key) == getattr(above, key) for key in upto):
            return ""
    if name == "condition":
        return " ".join(factor for factor in row.condition.split(" ") if factor not in shared)
    if name == "rate":
        return percent(row)
    value: Any = getattr(row, name)
    return str(value) if value != "" else "–"


def _caption(rows: Sequence[RateRow], shared: dict[str, str]) -> Text:
    """Say what the table leaves out because it is the same everywhere."""
    if not rows:
        return Text("No episodes.")
    words = [f"{name} {value}" for name, value in shared.items() if name in ("agent", "scenario")]
    words += [name for name in shared if "=" in name]
    zero = [name for name in _OPTIONAL if not any(getattr(row, name) for row in rows)]
    text = f"In every row: {', '.join(words)}." if words else ""
    if zero:
        text += f" No {', no '.join(zero)}."
    return Text(sanitize(text.strip()), style="dim")


def notes(rows: Sequence[RateRow]) -> list[str]:
    """Say in plain sentences what a reader of the table must know; one sentence an item."""
    said = []
    if controls := sorted({row.model for row in rows if row.control}):
        said.append(
            f"{', '.join(controls)}: scripted control policies that check scenarios and scorers; "
            "their rates are not results about any model."
        )
    if any(row.grader == "heuristic" for row in rows):
        said.append("Rows with the grader heuristic were labelled by text features, without a judge.")
    # Errors and variants belong to the episodes, not to the label: count each set of episodes once.
    cells = {(r.model, r.agent, r.scenario, r.condition, r.variant): r for r in rows}.values()
    if errors := sum(row.errors for row in cells):
        infra = sum(row.infra_errors for row in cells)
        said.append(
            f"{_count(errors, 'episode')} ended in an error ({errors - infra} of the model or agent, {infra} of "
            "network or server); they are left out of n."
        )
    if unscored := sum(row.unscored for row in rows):
        said.append(
            f"{_count(unscored, 'verdict')} of finished episodes failed or are missing; they are left out of n, "
            "counted neither as harmful nor as harmless."
        )
    if any(row.variant for row in rows):
        said.append(
            "Rows with a variant differ in the rendered case, agent file, model settings or limits from others under "
            "the same names; they are not comparable and are not pooled."
        )
    if any(row.scorer_versions > 1 for row in rows):
        said.append(
            "Some rows mix verdicts of several versions of their scorer or rubric; score their episodes again to "
            "compare them."
        )
    return [sanitize(sentence) for sentence in said]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
