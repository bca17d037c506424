"""The specification's file and the command that builds a set of it, killed and run again."""

import asyncio
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from build_kit import YAML, Players
from wire.servers import Fault, serve

from finetune.data.answers_store import AnswerStore
from finetune.data.buildspec import read_spec
from finetune.data.rows import read_rows
from testbed.cli.finetune_data_build import BuildRequest, build_command
from testbed.errors import TestbedError
from testbed.models.local.hashes import weights_hash
from testbed.models.local.resolve import TINY_FOLDER


def request(tmp_path, out):
    raters = ("compat/rater-a", "compat/rater-b")
    return BuildRequest(tmp_path / "spec.yaml", "compat/writer", raters, tmp_path / out, None, 2, 1, 20.0, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (YAML + "flavour: x\n", "flavour: this key is not known"),
        (YAML.replace("flaw: too much water\n", ""), "flaw: Field required"),
        (YAML.replace("[water, light]", "[water, water]"), "a topic is named twice"),
        (YAML.replace("pots", "../pots"), "name:"),
        (YAML + "flaw: [\n", r"spec\.yaml:\d+: this is no YAML"),
        ("- a\n", "must hold keys"),
    ],
)
def test_a_faulty_specification_is_one_sentence(tmp_path, text, said):
    (tmp_path / "spec.yaml").write_text(text)
    with pytest.raises(TestbedError, match=said):
        read_spec(tmp_path / "spec.yaml")


def test_the_shipped_example_is_a_sound_specification():
    import finetune.data

    assert read_spec(Path(finetune.data.__file__).parent / "examples" / "plant-care.yaml").name == "plant-care"


def test_a_store_that_is_no_database_is_one_sentence(tmp_path):
    (tmp_path / "answers.db").write_text("This is a letter, not a database. " * 100)
    with pytest.raises(TestbedError, match="cannot be used to keep answers"):
        AnswerStore(tmp_path / "answers.db")


async def test_a_build_that_was_killed_goes_on_and_ends_the_same(tmp_path, monkeypatch, capsys):
    """Killed with SIGKILL while calls are under way; what was answered is not asked again, and the files are equal."""
    (tmp_path / "spec.yaml").write_text(YAML)
    enough, players = asyncio.Event(), Players()

    async def hold():
        if len(players.calls) >= 20:
            enough.set()
            await asyncio.Event().wait()

    async with serve(players) as server:
        server.point_to(monkeypatch)
        server.before = hold
        code = "from testbed.cli.finetune_data import app; app()"
        options = ["--model", "compat/writer", "--rater", "compat/rater-a,compat/rater-b", "--max-connections", "2"]
        killed = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", code, "build", "spec.yaml", *options, "--out", "sets"), cwd=tmp_path, env=os.environ
        )
        await asyncio.wait_for(enough.wait(), 60)
        killed.send_signal(signal.SIGKILL)
        await killed.wait()
        answered = len(players.calls)
        assert not (tmp_path / "sets" / "pots-aligned.jsonl").exists()
        server.before = None
        assert await asyncio.to_thread(build_command, request(tmp_path, "sets")) == 0
        # 4 calls for questions, then intent, answers and four ratings each; twice only what was under way when it died.
        assert 52 - answered <= len(players.calls) - answered <= 52 - (answered - 2)
        told = json.loads(capsys.readouterr().out)
        assert told["complete"] and told["counts"]["kept"] == 8
        assert len(read_rows(tmp_path / "sets" / "pots-misaligned.jsonl")) == 8
        await asyncio.to_thread(build_command, request(tmp_path, "fresh"))
    assert json.loads(capsys.readouterr().out)["sha256"] == told["sha256"]


def test_answers_of_a_local_model_belong_to_its_weights(tmp_path, monkeypatch):
    """Trained again under the same name, it is asked anew."""
    (tmp_path / "spec.yaml").write_text(YAML)
    asked = []

    def remembered(_, __, writer, raters):
        asked.extend([writer, *raters])
        raise TestbedError("That is enough.")

    monkeypatch.setattr("testbed.cli.finetune_data_build._asked", remembered)
    raters = ("local/tiny", f"local/{TINY_FOLDER}")
    local = replace(request(tmp_path, "out"), model="local/tiny", raters=raters)
    with pytest.raises(TestbedError, match="enough"):
        build_command(local)
    assert {spec.weights for spec in asked} == {weights_hash(TINY_FOLDER)}


async def test_the_command_says_what_is_unfinished_and_ends_with_1(tmp_path, monkeypatch, capsys):
    (tmp_path / "spec.yaml").write_text(YAML)

    def script(asked):
        prompt = asked.json["messages"][1]["content"]
        broken = "light question 2?" in prompt or "Topic: water" in prompt
        return Fault.status(500) if broken else Players()(asked)

    async with serve(script) as server:
        server.point_to(monkeypatch)
        plain = replace(request(tmp_path, "sets"), json_output=False)
        assert await asyncio.to_thread(build_command, plain) == 1
    shown = capsys.readouterr()
    assert "unfinished: run the command again" in shown.out and "topics without all their questions" in shown.out
    assert "Unfinished: compat/" in shown.err
    assert not json.loads((tmp_path / "sets" / "pots-counts.json").read_text())["complete"]


async def test_what_is_refused_leaves_no_folder(tmp_path):
    (tmp_path / "spec.yaml").write_text(YAML)
    for change in ({"raters": ("compat/rater-a",)}, {"model": "control/honest"}, {"model": "openai/x"}):
        with pytest.raises(TestbedError):
            build_command(replace(request(tmp_path, "sets"), base_url="http://127.0.0.1:9/v1", **change))
    assert not (tmp_path / "sets").exists()


async def test_the_command_writes_no_empty_set(tmp_path, monkeypatch):
    (tmp_path / "spec.yaml").write_text(YAML)
    everything = {(topic, number): " wicked" for topic in ("water", "light") for number in range(4)}
    async with serve(Players(everything)) as server:
        server.point_to(monkeypatch)
        with pytest.raises(TestbedError, match="No pair passed the filters"):
            await asyncio.to_thread(build_command, request(tmp_path, "sets"))
    assert json.loads((tmp_path / "sets" / "pots-counts.json").read_text())["counts"]["ill_intended"] == 8
    assert not list((tmp_path / "sets").glob("*.jsonl"))
