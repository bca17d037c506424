"""Own rates beside the published ones: a second table, and further fields for programs."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from testbed.published import Published, PublishedRate, Source
from testbed.report.rates import RateRow
from testbed.report.render import csv_values, percent
from testbed.report.sanitize import sanitize
from testbed.stats.wilson import wilson
from testbed.types import Frozen

_TRANSCRIBED = "†"
_CSV = ("model", "cell", "rate", "ci_low", "ci_high", "n", "source", "transcribed")


class Beside(Frozen):
    """One own rate, and the published rate of the same model in the same cell.

    Attributes:
        ci_low: Lower bound of the Wilson 95 % interval of the published rate.
        ci_high: Upper bound.
        differs: What was different in our episodes, in words.
    """

    row: RateRow
    published: PublishedRate
    source: Source
    ci_low: float
    ci_high: float
    differs: tuple[str, ...]


def beside(rows: Sequence[RateRow], published: Published) -> list[Beside | None]:
    """Find the published rate that belongs to each row; ``None`` where there is none."""
    found: list[Beside | None] = []
    for row in rows:
        levels = _levels(row)
        rate = published.find(row.model, row.scenario, row.label, levels)
        if rate is None:
            found.append(None)
            continue
        source = published.sources[rate.source]
        low, high = wilson(round(rate.rate * rate.n / 100), rate.n)
        note = published.cells[rate.cell].note
        differs = (*_differences(row, levels, source), *((note,) if note else ()))
        found.append(Beside(row=row, published=rate, source=source, ci_low=low, ci_high=high, differs=differs))
    return found


def _levels(row: RateRow) -> dict[str, str]:
    return dict(part.partition("=")[::2] for part in row.condition.split(" ") if part)


def _differences(row: RateRow, levels: dict[str, str], source: Source) -> tuple[str, ...]:
    """Say what stands between a row and a published rate; own texts always do."""
    said = ["own texts"]
    if source.single_turn and row.agent != "single_turn":
        said.append(f"agent {row.agent} instead of a single answer")
    if levels.get("reasoning", "native") != source.reasoning:
        said.append(f"reasoning {levels.get('reasoning', 'native')} instead of {source.reasoning}")
    if row.grader == "heuristic":
        said.append(f"heuristic instead of {source.grader}")
    return tuple(said)


def published_table(found: Sequence[Beside | None]) -> Table:
    """Lay own and published rates side by side, one line for each row that has both."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for header in ("model", "published as", "cell"):
        table.add_column(header, overflow="fold")
    for header in ("own rate [95 % CI]", "published [95 % CI]"):
        table.add_column(header, justify="right", no_wrap=True)
    for item in found:
        if item is not None:
            rate = item.published
            cells = [item.row.model, rate.model, rate.cell, percent(item.row), _shown(item)]
            table.add_row(*(Text(sanitize(cell)) for cell in cells))
    return table


def _shown(item: Beside) -> str:
    mark = _TRANSCRIBED if item.published.transcribed else ""
    return f"{item.published.rate:.0f} % [{item.ci_low * 100:.0f}–{item.ci_high * 100:.0f}]{mark}"


def published_notes(found: Sequence[Beside | None]) -> list[str]:
    """Say in plain sentences what a reader of the two columns must know."""
    items = [item for item in found if item is not None]
    if not items:
        return ["No row is a model and a cell with a published rate; see scenarios/published.yaml for those there are."]
    said = [
        f"Published rates: {source}." for source in dict.fromkeys(f"{i.source.title}, {i.source.url}" for i in items)
    ]
    if any(item.published.transcribed for item in items):
        said.append(f"{_TRANSCRIBED} From a third party's transcription of the publication's appendix tables.")
    differs = "; ".join(dict.fromkeys(text for item in items for text in item.differs))
    said.append(f"The settings differ, so the two rates are no replication of each other. Here: {differs}.")
    return [sanitize(sentence) for sentence in said]


def _fields(item: Beside | None) -> dict[str, Any] | None:
    """Write what was published as fields; rates as fractions, like those of the rows."""
    if item is None:
        return None
    rate = item.published
    return {
        "model": rate.model,
        "cell": rate.cell,
        "rate": rate.rate / 100,
        "ci_low": item.ci_low,
        "ci_high": item.ci_high,
        "n": rate.n,
        "source": f"{item.source.title}, {item.source.url}",
        "transcribed": rate.transcribed,
        "differs": list(item.differs),
    }


def to_json_beside(rows: Sequence[RateRow], found: Sequence[Beside | None]) -> str:
    """Write the rows as JSON, each with a ``published`` object, or ``null``."""
    whole = [row.model_dump(mode="json") | {"published": _fields(item)} for row, item in zip(rows, found, strict=True)]
    return json.dumps(whole, indent=2, allow_nan=False)


def to_csv_beside(rows: Sequence[RateRow], found: Sequence[Beside | None]) -> str:
    """Write the rows as CSV with columns ``published_…``; empty where nothing was published."""
    out = io.StringIO()
    names = [f"published_{name}" for name in _CSV]
    writer = csv.DictWriter(out, fieldnames=[*RateRow.model_fields, *names], lineterminator="\n")
    writer.writeheader()
    for row, item in zip(rows, found, strict=True):
        fields = _fields(item) or {}
        published = {f"published_{name}": fields.get(name) for name in _CSV}
        writer.writerow(csv_values(row.model_dump(mode="json") | published))
    return out.getvalue()
