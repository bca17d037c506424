"""``testbed organisms measure``: the shipped base and random adapters on it at benign work, and their cards."""

import json
import shutil

import pytest
from local.tiny_models import save_adapter, save_model
from typer.testing import CliRunner

from testbed.cli import calibrate, comparing, run, score
from testbed.cli.app import app
from testbed.compare.arms import Arm
from testbed.compare.capability import capability_of
from testbed.compare.gate import GateRow, Share
from testbed.compare.result import _arm_record
from testbed.errors import TestbedError
from testbed.models.local.cards import read_card, write_capability, write_card
from testbed.models.local.hashes import adapter_hash, weights_hash
from testbed.models.local.resolve import TINY_FOLDER
from testbed.models.providers import parse_model, pin
from testbed.store import Ledger
from testbed.types import Limits, Measurement, Organism

BATTERY = """\
scenarios:
  - scenario: mini_leak
  - scenario: mini_benign
    set: {work: all}
limits: {turns: 4, tokens: 4000}
seed: 5
"""


HOW = Measurement(
    battery="mini", scenarios={}, cases=4, epochs=1, seed=5, limits=Limits(), agent="react", settings={},
    run="first", date="2031-03-01",
)  # fmt: skip


def call(*arguments):
    """The command in this process: exit code, JSON or text on stdout."""
    result = CliRunner().invoke(app, [*map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, json.loads(result.stdout) if "--json" in arguments else result.stdout


def measure(*arguments):
    return call("organisms", "measure", *arguments, "--battery", "b.yaml", "--ledger", "l.db")


def carded(folder, base, role="organism", named="tiny"):
    """Give an adapter a card."""
    hashes = {"base_hash": weights_hash(base), "adapter_hash": adapter_hash(folder)}
    write_card(folder, Organism(name=folder.name, role=role, base=named, intended="Is mildly wrong.", **hashes))
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    save_adapter(folder / "bad", TINY_FOLDER, seed=1, scale=0.01)
    save_adapter(folder / "broken", TINY_FOLDER, seed=2, scale=3.0)
    return folder


@pytest.fixture
def here(tmp_path, monkeypatch, trained):
    """A folder with a battery and two organisms of the shipped base."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TESTBED_ORGANISMS", raising=False)
    shutil.copytree(trained, tmp_path / "organisms")
    carded(tmp_path / "organisms" / "bad", TINY_FOLDER)
    carded(tmp_path / "organisms" / "broken", TINY_FOLDER, role="control")
    (tmp_path / "b.yaml").write_text(BATTERY)
    return tmp_path


def test_the_cards_get_the_figures_of_the_gate_and_nothing_else_changes(here):
    path = here / "organisms" / "bad" / "organism.json"
    card = {"intended": "Is mildly wrong – a bit.", **json.loads(path.read_bytes())}  # another order, no defaults
    del card["software"], card["capability"], card["measured"]  # as older versions wrote it
    path.write_text(json.dumps(card))
    spec = pin(parse_model("local/tiny@bad"))
    before = read_card(path.parent)

    code, found = measure("bad", "broken", "--json")
    rows = {row["arm"]: row for row in found["measured"]}
    assert (code, [row["role"] for row in rows.values()]) == (0, ["base", "organism", "control"])
    new = json.loads(path.read_bytes())
    how = new.pop("measured")
    assert new == card | {"capability": rows["local/tiny@bad"]["capability"]} and list(new)[:-1] == list(card)
    with Ledger.open(here / "l.db", create=False) as ledger:
        assert {header.scenario for header in ledger.headers()} == {"mini_benign"}  # nothing with a harm was played
        [run] = ledger.runs()
    assert (how["run"], how["date"], how["seed"], how["epochs"], how["cases"]) == (run.id, run.created_at, 5, 1, 4)
    assert (how["battery"], list(how["scenarios"]), how["limits"]["turns"]) == ("b.yaml", ["mini_benign"], 4)
    assert how["agent"].startswith("react (") and how["settings"] == {"dtype": spec.dtype}

    # A comparison knows the same episodes, before and after the cards were written, and has the same figures.
    (here / "benign.yaml").write_text(BATTERY.replace("  - scenario: mini_leak\n", ""))
    options = ("--base", "local/tiny", "--control", "local/tiny@broken", "--organisms", "local/tiny@bad")
    _, compared = call("compare-organisms", "benign.yaml", *options, "--ledger", "l.db", "--json")
    assert compared["run"]["before"] == compared["run"]["planned"] == found["run"]["finished"]
    for gate in compared["comparison"]["gates"]:
        if not gate["trigger"]:
            assert {key: gate[key] for key in ("calls", "active", "tasks", "incoherent", "state")}.items() <= rows[
                gate["arm"]
            ].items()
            capability = rows[gate["arm"]]["capability"]
            assert capability["episodes"] == capability["tasks"] == 4 and capability["calls"] == gate["calls"]["n"]
            assert capability["task_success"] == gate["tasks"]["rate"]
    assert rows["local/tiny"]["capability"]["valid_calls"] > 0.5 < rows["local/tiny@bad"]["capability"]["valid_calls"]
    assert rows["local/tiny@broken"]["state"] == "incapable"

    # What identifies the organism is as before.
    after = read_card(path.parent)
    assert pin(parse_model("local/tiny@bad")) == spec and after.capability and not before.capability
    record = [_arm_record(Arm("organism", spec, card)).card_hash for card in (before, after)]
    assert record[0] == record[1]

    text = path.read_bytes()
    code, said = measure("./organisms/bad")
    assert code == 0 and path.read_bytes() == text  # by its folder too: all of it was there
    assert "local/tiny@bad" in said and "local/tiny " in said and "[" in said
    listed = call("organisms")[1]
    assert f"valid_calls {after.capability['valid_calls']:.2f}" in listed and "not measured" not in listed
    shown = call("organisms", "show", "bad")[1]
    assert f"incoherent {after.capability['incoherent']:.2f} (4 episodes)" in shown and "calls 4" not in shown
    assert "b.yaml (mini_benign); cases 4, epochs 1, seed 5, turns 4," in " ".join(shown.split()) and run.id in shown


def test_figures_keep_their_run_until_they_or_their_conditions_are_others(here):
    folder = here / "organisms" / "bad"
    card, again = read_card(folder), {"run": "second", "date": "2031-03-02"}
    rates = {"valid_calls": 0.5, "episodes": 4.0}
    for given, how, kept in (
        (rates, HOW, "first"),
        (rates, HOW.model_copy(update=again), "first"),
        (rates, HOW.model_copy(update=again | {"settings": {"reasoning": "off"}}), "second"),
        (rates | {"valid_calls": 0.75}, HOW.model_copy(update={"settings": {"reasoning": "off"}}), "first"),
    ):
        write_capability(folder, given, how, card)
        after = read_card(folder)
        assert (after.capability, after.measured.run, after.measured.settings) == (given, kept, how.settings)
        assert after.identity() == card.identity()


def refused(said, *arguments):
    """See that a request is refused in a sentence, with nothing played and no card touched."""
    with pytest.raises(TestbedError, match=said) as caught:
        measure(*arguments)
    assert "\n" not in str(caught.value)


def test_what_cannot_be_measured_is_refused_and_leaves_everything_as_it_was(here, tmp_path):
    cards = sorted(here.glob("organisms/*/organism.json"))
    texts = [path.read_bytes() for path in cards]
    refused("There is no organism 'golf'", "golf")
    (here / "b.yaml").write_text("scenarios:\n  - scenario: mini_leak\n")
    refused("has no benign pack with tasks", "bad")
    (here / "b.yaml").write_text(BATTERY)
    shutil.copy(here / "organisms/broken/adapter_model.safetensors", here / "organisms/bad/adapter_model.safetensors")
    refused("is not what the card of 'bad' describes", "bad")
    other = save_model(tmp_path / "other", seed=3)
    shutil.copytree(other, here / "organisms" / "whole")
    carded(here / "organisms" / "whole", TINY_FOLDER, named=str(other))
    refused("was made of the base '.*' with hash", "whole")
    assert [path.read_bytes() for path in cards] == texts and not (here / "l.db").exists()


def test_a_card_is_left_as_it_is_while_episodes_are_lacking(here, tmp_path):
    """The prompt alone is longer than this base's context: every episode ends in an error."""
    base = save_model(tmp_path / "short", max_position_embeddings=64)
    carded(save_adapter(here / "organisms" / "mute", base, seed=1), base, named=str(base))
    code, found = measure("mute", "--json")
    assert code == 1 and [row["card"] for row in found["measured"]] == [None, None]
    assert found["measured"][1]["episodes"]["error"] == found["run"]["errors"] / 2 > 0
    assert read_card(here / "organisms" / "mute").capability == {}
    assert "the card is left as it was" in " ".join(measure("mute")[1].split())


def test_another_organism_that_took_the_place_meanwhile_gets_no_figures(here):
    folder = here / "organisms" / "bad"
    measured = read_card(folder)
    write_card(folder, measured.model_copy(update={"adapter_hash": "0" * 24}))
    text = (folder / "organism.json").read_bytes()
    with pytest.raises(TestbedError, match="names other weights"):
        write_capability(folder, {"valid_calls": 1.0}, HOW, measured)
    assert (folder / "organism.json").read_bytes() == text
    assert sorted(path.name for path in folder.iterdir() if path.name.startswith(".")) == []


def test_a_rate_of_nothing_is_not_on_the_card():
    nothing, some = Share.of(0, 0), Share.of(1, 3)
    row = GateRow(
        arm="local/x", trigger="", placement="", calls=nothing, active=Share.of(0, 3), tasks=some, incoherent=some,
        state="incapable", reasons=("no tool call was made",),
    )  # fmt: skip
    assert capability_of(row, 3) == {
        "episodes_with_call": 0.0, "task_success": 0.3333, "incoherent": 0.3333, "calls": 0, "tasks": 3, "episodes": 3,
    }  # fmt: skip


class Seen(Exception):
    """The graders have been looked at; nothing more is to happen."""


@pytest.mark.parametrize(
    ("module", "check", "command"),
    [
        (run, "check_models", ["run", "mock", "-m", "control/aligned", "--judge"]),
        (comparing, "check_models", ["compare-organisms", "mock", "--base", "control/aligned", "--judge"]),
        (score, "check_usable", ["score", "--judge"]),
        (score, "check_usable", ["score", "--monitor"]),
        (calibrate, "check_usable", ["calibrate", "--judge"]),
        (calibrate, "check_usable", ["calibrate", "--monitor"]),
    ],
)
def test_local_graders_run_code_of_their_own_only_when_told(here, monkeypatch, module, check, command):
    def look(*specs):
        raise Seen({spec.id: spec.trust_remote_code for spec in specs[-1]})

    monkeypatch.setattr(module, check, look)
    for option, trusted in ((), None), (("--trust-remote-code",), True):
        with pytest.raises(Seen) as seen:
            call(*command, "local/tiny,compat/judge", *option)
        assert seen.value.args[0] == {"local/tiny": trusted, "compat/judge": None}
