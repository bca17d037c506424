"""The file ``.env``: every command honours it, and one that cannot be read is said in one sentence."""

import json

import pytest
from runner.running import command

MOCK = ("run", "mock", "-m", "control/aligned")


@pytest.mark.parametrize("arguments", [MOCK, ("score",), ("calibrate",), ("report",), ("episodes",), ("show", "a")])
async def test_one_that_is_not_utf_8_is_one_sentence(tmp_path, arguments):
    (tmp_path / ".env").write_bytes("OPENAI_API_KEY=clé\n".encode("latin-1"))
    code, out, errors = await command(*arguments, cwd=tmp_path)
    assert (code, out) == (2, "")
    assert errors == "Error: The file .env is not UTF-8 text: save it as UTF-8.\n"
    assert [path.name for path in tmp_path.iterdir()] == [".env"]


async def test_the_ledger_it_names_is_everyones(tmp_path):
    # Some editors begin a UTF-8 file with a byte-order mark.
    (tmp_path / ".env").write_text("TESTBED_LEDGER=named.db\n", encoding="utf-8-sig")
    code, _, errors = await command(*MOCK, cwd=tmp_path)
    assert code == 0, errors
    assert {path.name for path in tmp_path.iterdir()} == {".env", "named.db"}
    _, listed, _ = await command("episodes", "--json", cwd=tmp_path)
    (episode,) = json.loads(listed)
    for arguments in (("report",), ("show", episode["id"]), ("score",), ("label", "--limit", "1")):
        code, out, errors = await command(*arguments, cwd=tmp_path)
        assert code == 0 and out, (arguments, errors)


async def test_the_environment_and_the_option_come_first(tmp_path):
    (tmp_path / ".env").write_text("TESTBED_LEDGER=named.db\n")
    await command(*MOCK, cwd=tmp_path, env={"TESTBED_LEDGER": "env.db"})
    await command(*MOCK, "--ledger", "option.db", cwd=tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {".env", "env.db", "option.db"}
