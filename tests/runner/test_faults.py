"""Faults that are nobody's behaviour: each ends in one sentence or one counted error, never in a traceback."""

import asyncio
import json
import sqlite3

import pytest
from runner.running import command, run_plan, start
from wire.servers import Answer, Fault, serve

from testbed.errors import LedgerError
from testbed.store import Ledger, opening

RUN = ["run", "mock", "-m", "control/blackmailer", "--epochs", "2", "--attempts", "1", "--json"]
ODD = [
    {"choices": [{"message": {"role": "assistant", "content": {"a": 1}}, "finish_reason": "stop"}]},
    {"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": "x"}},
    {"choices": [{"message": {"content": "", "tool_calls": [{"function": None}]}, "finish_reason": "stop"}]},
]


@pytest.mark.parametrize("body", ODD)
async def test_an_odd_answer_of_a_judge_is_unscored_and_the_run_incomplete(tmp_path, body):
    async with serve(lambda request: body) as server:
        code, out, errors = await command(*RUN, "--judge", "compat/j", cwd=tmp_path, env=server.environment())
    [row] = json.loads(out)["rows"]
    assert (code, row["n"], row["unscored"]) == (1, 0, 2), errors
    assert (
        "Traceback" not in errors and "6 verdicts could not be had" in errors
    )  # the harm, refusal and incoherence of two


@pytest.mark.parametrize("body", ODD)
async def test_an_odd_answer_of_a_model_is_a_model_error_and_not_the_agents_fault(tmp_path, body):
    args = ["run", "mock", "-m", "compat/m", "--attempts", "1", "--json"]
    async with serve(lambda request: body) as server:
        code, out, errors = await command(*args, cwd=tmp_path, env=server.environment())
    run = json.loads(out)["run"]
    assert (code, run["errors"]) == (1, 1) and "The agent" not in run["first_error"]
    assert "Traceback" not in errors


async def test_a_judge_that_always_fails_leaves_the_run_incomplete(tmp_path):
    async with serve(lambda request: Fault.status(500)) as server:
        code, _, errors = await command(*RUN, "--judge", "compat/j", cwd=tmp_path, env=server.environment())
    assert code == 1 and "6 verdicts could not be had" in errors  # the harm, refusal and incoherence of two


async def test_a_ledger_that_another_process_keeps_locked_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "BUSY_SECONDS", 0.3)
    await run_plan(tmp_path / "l.db", ["control/aligned"])
    db = sqlite3.connect(tmp_path / "l.db", isolation_level=None)

    def lock_first(request):
        if not db.in_transaction:
            db.execute("BEGIN IMMEDIATE")
        return Answer("Ok.")

    async with serve(lock_first) as server:
        server.point_to(monkeypatch)
        with pytest.raises(LedgerError, match="locked"):
            await run_plan(tmp_path / "l.db", ["compat/m"], run_id="r2")
    db.close()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def graph(model, tools):\n    raise KeyError('boom')\n", "failed: KeyError: 'boom'"),
        ("def graph(model, tools):\n    return 3\n", "made a int"),
    ],
)
async def test_an_agent_that_cannot_make_its_graph_is_refused_before_anything_is_spent(tmp_path, text, said):
    (tmp_path / "mine.py").write_text(text)
    code, _, errors = await command(*RUN, "--agent", "./mine.py", cwd=tmp_path)
    assert code == 2 and said in errors and "Traceback" not in errors
    assert not (tmp_path / "testbed.db").exists()


async def test_of_two_runs_with_the_same_plan_the_later_is_refused_and_nothing_is_paid_twice(tmp_path):
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def gate():
        begun.set()
        await go_on.wait()

    async with serve(lambda request: Answer("Ok.")) as server:
        server.before = gate
        args = ["run", "mock", "-m", "compat/m", "--epochs", "3"]
        first = await start(*args, cwd=tmp_path, env=server.environment())
        await asyncio.wait_for(begun.wait(), 60)
        code, _, errors = await command(*args, cwd=tmp_path, env=server.environment())
        assert code == 2 and "is playing 3 of these episodes now" in errors
        other = ["run", "mock", "-m", "control/aligned"]
        assert (await command(*other, cwd=tmp_path))[0] == 0
        go_on.set()
        await first.communicate()
        assert server.count == 3
    with Ledger.open(tmp_path / "testbed.db", create=False) as ledger:
        assert len(ledger.runs()) == 2
