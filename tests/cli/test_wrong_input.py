"""Wrong input: one clear sentence, exit code 2, no traceback, nothing written, nobody asked."""

import sqlite3
import subprocess
import sys

import pytest
from runner.running import command
from wire.servers import Answer, serve

from testbed import content

MOCK = ("run", "mock", "-m", "control/aligned")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "nothing", "-m", "control/aligned"), "no battery or scenario 'nothing'"),
        (("run", "mock"), "Add --model"),
        (("run", "mock", "-m", "closedai/gpt"), "Unknown provider 'closedai'"),
        (("run", "mock", "-m", "gpt-4.1"), "Unknown provider"),
        (("run", "mock", "-m", "openai/"), "lacks a name"),
        (("run", "mock", "-m", "control/angel"), "no policy for control/angel"),
        (("run", "mock", "-m", "control/mix-2"), "control/mix-0.3"),
        (("run", "mock", "-m", "compat/local"), "--base-url"),
        ((*MOCK, "--set", "mood=bad"), "factor 'mood'"),
        ((*MOCK, "--set", "threat=huge"), "no level 'huge'"),
        ((*MOCK, "--set", "threat"), "factor=level"),
        ((*MOCK, "--agent", "nobody"), "no agent 'nobody'"),
        ((*MOCK, "--agent", "./nobody.py"), "no agent file"),
        ((*MOCK, "--judge", "control/aligned"), "cannot be a judge"),
        ((*MOCK, "--ledger", "missing/l.db"), "missing"),
        (("report",), "testbed.db"),
        (("show", "abc"), "testbed.db"),
    ],
)
async def test_is_one_sentence_and_exit_code_2(tmp_path, arguments, said):
    code, out, errors = await command(*arguments, cwd=tmp_path)
    assert (code, out) == (2, ""), errors
    assert errors.startswith("Error: ") and said in errors and "Traceback" not in errors
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--epochs=0", "--epochs=x", "--max-connections=0", "--nonsense"])
async def test_options_that_make_no_sense_are_exit_code_2(tmp_path, option):
    code, _, errors = await command(*MOCK, option, cwd=tmp_path)
    assert code == 2 and "Traceback" not in errors


async def test_missing_keys_are_said_once_for_every_model_before_anything_is_spent(tmp_path):
    models = ["openai/gpt-4.1", "anthropic/claude-opus-4-5", "google/gemini-2.5-pro", "compat/deepseek/deepseek-chat"]
    options = [part for model in models for part in ("-m", model)]
    async with serve([]) as server:
        env = {name: value for name, value in server.environment().items() if name.endswith("BASE_URL")}
        env.pop("COMPAT_BASE_URL")
        options += ["--judge", "openai/gpt-4.1-mini"]
        code, _, errors = await command("run", "mock", *options, cwd=tmp_path, env=env)
        assert server.count == 0
    assert code == 2
    for model, key in zip(models, ["OPENAI", "ANTHROPIC", "GOOGLE", "DEEPSEEK"], strict=True):
        assert errors.count(model + " ") == 1 and f"{key}_API_KEY" in errors
    assert "openai/gpt-4.1-mini" in errors


async def test_a_key_from_the_env_file_is_used(tmp_path):
    (tmp_path / ".env").write_text("OPENAI_API_KEY=sk-from-the-file\n")
    async with serve([Answer("Nothing to do.")]) as server:
        env = {"OPENAI_BASE_URL": f"{server.url}/v1"}
        code, _, errors = await command("run", "mock", "-m", "openai/gpt-4.1", cwd=tmp_path, env=env)
        assert code == 0, errors
        assert server.requests[0].key == "Bearer sk-from-the-file"


async def test_a_broken_template_is_named_with_file_and_line(tmp_path):
    pack = tmp_path / "packs" / "mock"
    pack.mkdir(parents=True)
    text = (content.find_pack("mock") / "scenario.yaml").read_text()
    broken = text.replace("{{ agent }}.\n", "{{ agnet }}.\n")
    (pack / "scenario.yaml").write_text(broken)
    line = 1 + broken[: broken.index("agnet")].count("\n")
    code, _, errors = await command(*MOCK, "--scenarios", "packs", cwd=tmp_path)
    assert code == 2 and f"scenario.yaml:{line}" in errors and "agnet" in errors
    assert not (tmp_path / "testbed.db").exists()


@pytest.mark.parametrize("kind", ["noise", "foreign", "folder", "newer"])
async def test_a_ledger_that_cannot_be_used_is_left_as_it_is(tmp_path, kind):
    path = tmp_path / "l.db"
    if kind == "noise":
        path.write_bytes(b"not a database, " * 400)
    elif kind == "foreign":
        with sqlite3.connect(path) as db:
            db.execute("CREATE TABLE other (x)")
    elif kind == "folder":
        path.mkdir()
    else:
        assert (await command(*MOCK, "--ledger", "l.db", cwd=tmp_path))[0] == 0
        db = sqlite3.connect(path)
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute("PRAGMA user_version = 99")
        db.close()
    before = path.read_bytes() if path.is_file() else None
    for arguments in (MOCK, ("report",), ("show", "a")):
        code, _, errors = await command(*arguments, "--ledger", "l.db", cwd=tmp_path)
        assert code == 2 and errors.startswith("Error: ") and "Traceback" not in errors
    assert (path.read_bytes() if path.is_file() else None) == before
    assert {item.name for item in tmp_path.iterdir()} == {"l.db"}


def test_arguments_are_parsed_before_anything_heavy_is_imported():
    heavy = {"langgraph", "langchain_core", "openai", "anthropic", "scipy", "numpy", "jinja2", "sqlite3", "torch"}
    code = "import sys; import testbed.__main__, testbed.cli.app; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not heavy & {name.partition(".")[0] for name in loaded}
