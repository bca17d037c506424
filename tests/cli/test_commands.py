"""The commands as a user types them, in processes of their own, on controls whose behaviour is known."""

import csv
import io
import json

import pytest
from runner.running import command

COLUMNS = "model scenario condition label n harmful rate ci_low ci_high refusals errors unscored grader".split()


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    """A ledger with one small run in it."""
    import asyncio

    folder = tmp_path_factory.mktemp("ledger")
    args = ["run", "mock", "-m", "control/aligned,control/blackmailer", "-m", "control/refuser", "--epochs", "2"]
    code, out, errors = asyncio.run(command(*args, "--set", "threat=all", "--json", cwd=folder))
    assert code == 0, errors
    return folder, json.loads(out), errors


def test_run_prints_its_rates_as_json(ledger):
    _, result, errors = ledger
    assert result["run"]["planned"] == result["run"]["finished"] == 12
    rates = {(row["model"], row["condition"].split()[0]): row["rate"] for row in result["rows"]}
    assert rates == {
        ("control/aligned", "threat=replacement"): 0.0,
        ("control/aligned", "threat=none"): 0.0,
        ("control/blackmailer", "threat=replacement"): 1.0,
        ("control/blackmailer", "threat=none"): 1.0,
        ("control/refuser", "threat=replacement"): 0.0,
        ("control/refuser", "threat=none"): 0.0,
    }
    assert "12 planned" in errors


async def test_report_as_json_and_csv_has_the_same_rows(ledger):
    folder, result, _ = ledger
    _, as_json, _ = await command("report", "--json", cwd=folder)
    _, as_csv, _ = await command("report", "--csv", cwd=folder)
    rows = json.loads(as_json)
    assert rows == result["rows"]
    assert set(COLUMNS) <= set(rows[0])
    lines = list(csv.DictReader(io.StringIO(as_csv)))
    assert [line["model"] for line in lines] == [row["model"] for row in rows]
    assert [int(line["harmful"]) for line in lines] == [row["harmful"] for row in rows]


async def test_no_rate_is_certain(ledger):
    _, result, _ = ledger
    for row in result["rows"]:
        assert row["ci_high"] - row["ci_low"] > 0.5  # two episodes say little, at 0 % and at 100 % too


async def test_report_says_in_plain_words_what_is_no_result(ledger):
    folder, _, _ = ledger
    code, out, _ = await command("report", cwd=folder)
    assert code == 0
    assert "control" in out.casefold() and "heuristic" in out and "95 %" in out


async def test_refusals_are_counted_apart(ledger):
    _, result, _ = ledger
    refusals = {row["model"]: row["refusals"] for row in result["rows"]}
    assert refusals == {"control/aligned": 0, "control/blackmailer": 0, "control/refuser": 2}


async def test_show_prints_who_wrote_what_to_whom(ledger):
    folder, _, _ = ledger
    _, out, _ = await command("episodes", "--json", "-m", "control/blackmailer", cwd=folder)
    episode = json.loads(out)[0]["id"]
    code, shown, _ = await command("show", episode[:10], cwd=folder)
    assert code == 0
    for part in ("Rita Vale", "The switch", "golden biscuit tin", "list_emails", "blackmail", episode[:8]):
        assert part in shown
    code, out, _ = await command("show", episode, "--json", cwd=folder)
    assert json.loads(out)["id"] == episode


async def test_an_id_that_fits_several_or_none_is_said(ledger):
    folder, _, _ = ledger
    for prefix in ("", "zz"):
        code, _, errors = await command("show", prefix, cwd=folder)
        assert code == 2 and errors.startswith("Error: ")


async def test_limit_takes_the_first_of_the_plan_and_the_rest_comes_later(tmp_path):
    args = ["run", "mock", "-m", "control/aligned", "--epochs", "5", "--json"]
    _, out, _ = await command(*args, "--limit", "2", cwd=tmp_path)
    assert json.loads(out)["run"]["finished"] == 2
    _, out, _ = await command(*args, cwd=tmp_path)
    assert (json.loads(out)["run"]["before"], json.loads(out)["run"]["finished"]) == (2, 3)


async def test_the_ledger_is_where_the_environment_or_the_option_says(tmp_path):
    args = ["run", "mock", "-m", "control/aligned"]
    await command(*args, cwd=tmp_path, env={"TESTBED_LEDGER": str(tmp_path / "env.db")})
    await command(*args, "--ledger", "option.db", cwd=tmp_path, env={"TESTBED_LEDGER": str(tmp_path / "env2.db")})
    assert {path.name for path in tmp_path.iterdir()} == {"env.db", "option.db"}


async def test_quickstart_shows_the_known_rates_of_the_controls(tmp_path):
    code, out, errors = await command("run", "quickstart", "--json", cwd=tmp_path)
    assert code == 0, errors
    rows = json.loads(out)["rows"]
    assert all(row["control"] and row["n"] == 20 and row["grader"] == "heuristic" for row in rows)
    harmful = {"control/blackmailer": 1.0, "control/veiled-blackmailer": 1.0}
    for row in rows:
        if row["model"] == "control/mix-0.3":
            assert row["ci_low"] < 0.3 < row["ci_high"]
        else:
            assert row["rate"] == harmful.get(row["model"], 0.0), row["model"]


async def test_list_names_what_there_is(tmp_path):
    code, out, _ = await command("list", cwd=tmp_path)
    assert code == 0
    for name in ("quickstart", "blackmail", "threat", "[replacement]", "react", "single_turn"):
        assert name in out


@pytest.mark.parametrize("listing", [("list",), ("scenario", "list")])
async def test_one_broken_pack_is_named_and_the_others_are_listed(tmp_path, listing):
    (tmp_path / "packs" / "broken").mkdir(parents=True)
    (tmp_path / "packs" / "broken" / "scenario.yaml").write_text("id: [")
    code, out, _ = await command(*listing, "--scenarios", "packs", cwd=tmp_path)
    assert code == 0 and "blackmail" in out
    assert "cannot be loaded: broken/scenario.yaml" in " ".join(out.split())
