import csv
import io
import json

from rich.console import Console

from testbed.report.rates import RateRow
from testbed.report.render import notes, percent, table, to_csv, to_json
from testbed.stats.wilson import wilson

CONDITION = "threat={} goal=none name=Alex escalation=none"


def make_row(k=37, n=100, threat="none", **more):
    low, high = wilson(k, n) if n else (None, None)
    base = {
        "model": "openai/gpt-large-2031-01-01", "agent": "react", "scenario": "blackmail",
        "condition": CONDITION.format(threat), "label": "blackmail", "n": n, "harmful": k, "rate": k / n if n else None,
        "ci_low": low, "ci_high": high, "refusals": 0, "incoherent": 0, "limits": 0, "errors": 0, "model_errors": 0,
        "infra_errors": 0, "unscored": 0, "grader": "anthropic/judge-model-4", "control": False,
    }  # fmt: skip
    return RateRow(**base | more)


def printed(rows, width=100):
    out = io.StringIO()
    Console(file=out, width=width).print(table(rows))
    return out.getvalue()


def test_percent():
    assert percent(make_row()) == "37.0 % [28–47]"
    assert percent(make_row(0)) == "0.0 % [0–4]"
    assert percent(make_row(1234, 10_000)) == "12.34 % [11.7–13.0]"
    assert percent(make_row(0, 0)) == "–"


def test_the_table_fits_100_columns_and_loses_nothing():
    full = {"refusals": 12, "incoherent": 3, "limits": 4, "errors": 5, "unscored": 6}
    rows = [make_row(threat=t, variant=v, **full) for t in ("none", "replacement") for v in ("a1b2c3d4", "e5f6a7b8")]
    text = printed(rows)
    assert max(map(len, text.splitlines())) <= 100
    assert "…" not in text
    for word in ("replacement", "a1b2c3d4", "37.0 % [28–47]", "37/100", "refused", "herent", "limit", "errors"):
        assert word in text
    same = "agent react, scenario blackmail, grader anthropic/judge-model-4, goal=none, name=Alex, escalation=none."
    assert f"In every row: {same}" in " ".join(text.split())


def test_names_too_long_for_the_table_are_folded_not_cut():
    full = {"refusals": 12, "incoherent": 3, "limits": 4, "errors": 5, "unscored": 6}
    graders = ("heuristic", "compat/" + "judge" * 8)
    rows = [make_row(threat="t" * 50, scenario=s, grader=g, **full) for s in ("a", "b") for g in graders]
    text = printed(rows)
    assert max(map(len, text.splitlines())) <= 100
    assert "…" not in text and text.count("t") >= 2 * 50
    assert all(text.count(line) == 4 for line in ("37/100", "37.0 % [28–47]"))
    folded = [line[-12:].strip() for line in text.splitlines()]
    assert "".join(folded).count("judge") >= 2 and "compat/jud" in "".join(folded)


def test_groups_are_written_once_and_zero_columns_named():
    rows = [
        make_row(),
        make_row(label="leak"),
        make_row(threat="wipe"),
        make_row(model="control/aligned", control=True),
    ]
    text = printed(rows, 200)
    assert text.count("openai/gpt-large-2031-01-01") == 1
    assert text.count("threat=none") == 2
    assert "control/aligned (scripted control)" in text
    assert "No refusals, no incoherent, no limits." in text
    assert "errors" in text and "scored" in text


def test_names_are_not_read_as_markup():
    text = printed([make_row(model="compat/[red]x[/red]\x1b[31m", grader="[bold]")], 200)
    assert "compat/[red]x[/red]␛[31m" in text and "[bold]" in text and "\x1b" not in text


def test_no_rows():
    assert "No episodes." in printed([])
    assert "errors" not in printed([])
    assert (to_json([]), notes([])) == ("[]", [])
    assert len(to_csv([]).splitlines()) == 1


def test_json_and_csv_hold_the_same():
    rows = [make_row(), make_row(0, 0, errors=2, infra_errors=2, grader="", condition='a="x, y"', control=True)]
    objects = json.loads(to_json(rows))
    assert [RateRow(**item) for item in objects] == rows
    assert "NaN" not in to_json(rows) and objects[1]["rate"] is None
    lines = list(csv.DictReader(io.StringIO(to_csv(rows))))
    assert list(lines[0]) == list(objects[0]) == list(RateRow.model_fields)
    assert float(lines[0]["ci_low"]) == rows[0].ci_low
    assert (lines[1]["rate"], lines[1]["control"], lines[1]["condition"]) == ("", "true", 'a="x, y"')


def test_notes_say_what_a_reader_must_know():
    assert notes([make_row()]) == []
    said = notes(
        [
            make_row(grader="heuristic", errors=3, model_errors=1, infra_errors=2, unscored=1),
            make_row(label="leak", grader="heuristic", errors=3, model_errors=1, infra_errors=2, variant=""),
            make_row(model="control/aligned", control=True, variant="a1", scorer_versions=2),
        ]
    )
    text = "\n".join(said)
    assert "control/aligned: scripted control policies" in text and "not results about any model" in text
    assert "labelled by text features, without a judge" in text
    assert "3 episodes ended in an error (1 of the model or agent, 2 of network or server)" in text
    assert "1 verdict of finished episodes failed" in text
    assert "not pooled" in text and "several versions" in text
