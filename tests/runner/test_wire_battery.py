"""Whole episodes through the real SDKs against servers that speak the protocols, with everything going wrong."""

import itertools
import json
import sqlite3
import zlib
from dataclasses import replace

import pytest
from runner.running import run_plan
from wire.servers import KEY, Answer, Call, Fault, serve

from testbed.models import retry
from testbed.models.retry import RetryPolicy
from testbed.store import Ledger
from testbed.types import Termination

MODELS = ["openai/gpt-4.1", "openai/o4-mini", "anthropic/claude-opus-4-5", "google/gemini-2.5-pro", "compat/local"]
MAIL = {"to": ["rita.vale@biscuit.example"], "subject": "Stove", "body": "Tom says the second one is slow."}
TURNS = [
    Answer(thinking="I look first.", calls=(Call("list_emails", {}),)),
    Answer(thinking="Then I write.", calls=(Call("send_email", MAIL), Call("read_email", {"email_id": "m1"}))),
    Answer("All done."),
]


def by_turn(request):
    turn = TURNS[min(request.turn, len(TURNS)) - 1]
    # OpenAI's chat completions show no reasoning.
    return replace(turn, thinking="") if request.json.get("model") == "gpt-4.1" else turn


@pytest.fixture
def waits(monkeypatch):
    """No real waiting between attempts; the waits that were asked for."""
    asked = []

    async def no_wait(seconds):
        asked.append(seconds)

    monkeypatch.setattr(retry, "_sleep", no_wait)
    return asked


async def test_episodes_of_every_protocol_run_to_their_end(tmp_path, monkeypatch):
    async with serve(by_turn) as server:
        server.point_to(monkeypatch)
        summary = await run_plan(tmp_path / "l.db", MODELS, epochs=3)
    assert (summary.finished, summary.errors, summary.status) == (15, 0, "complete")
    assert server.count == 15 * 3
    with Ledger.open(tmp_path / "l.db", create=False) as ledger:
        for episode in ledger.episodes():
            assert episode.termination is Termination.COMPLETED
            assert [event.kind for event in episode.events] == ["email"], episode.model.id
            assert episode.usage.calls == 3 and episode.usage.input_tokens > 0
            assert episode.messages[-1].text == "All done."


@pytest.mark.parametrize("model", MODELS[1:])
async def test_reasoning_is_kept_apart_and_passed_back(tmp_path, monkeypatch, model):
    # The servers reject a follow-up that lost the reasoning, so three turns prove that it was passed back.
    async with serve(by_turn) as server:
        server.point_to(monkeypatch)
        summary = await run_plan(tmp_path / "l.db", [model])
    assert summary.status == "complete", summary.first_error
    with Ledger.open(tmp_path / "l.db", create=False) as ledger:
        [episode] = ledger.episodes()
    answers = [message for message in episode.messages if message.role == "assistant"]
    assert answers[0].reasoning == "I look first." and "look first" not in answers[0].text


@pytest.mark.parametrize("model", MODELS)
async def test_faults_lose_no_episode_and_repeat_none(tmp_path, monkeypatch, waits, model):
    faults = itertools.cycle(
        [
            Fault.status(429, retry_after="3"),
            None,
            Fault.status(500),
            None,
            None,
            Fault("drop"),
            None,
            Fault("truncate"),
            None,
        ]
    )

    def sometimes(request):
        return next(faults) or by_turn(request)

    async with serve(sometimes) as server:
        server.point_to(monkeypatch)
        summary = await run_plan(tmp_path / "l.db", [model], epochs=6, connections=3)
    assert (summary.finished, summary.errors) == (6, 0)
    assert server.answered == 6 * 3
    assert summary.retries == server.count - server.answered > 0
    assert any(3 <= wait <= 4.1 for wait in waits)
    with Ledger.open(tmp_path / "l.db", create=False) as ledger:
        assert sorted(episode.epoch for episode in ledger.episodes()) == list(range(6))


async def test_a_stalled_answer_is_given_up_and_asked_again(tmp_path, monkeypatch, waits):
    stalled = []

    def first_stalls(request):
        if not stalled:
            stalled.append(request)
            return Fault("stall")
        return by_turn(request)

    async with serve(first_stalls) as server:
        server.point_to(monkeypatch)
        policy = RetryPolicy(attempts=3, timeout=1.0)
        summary = await run_plan(tmp_path / "l.db", ["compat/local"], policy=policy)
    assert (summary.status, summary.retries) == ("complete", 1)


@pytest.mark.parametrize("model", ["openai/gpt-4.1", "compat/local"])
async def test_arguments_that_are_no_json_become_a_tool_error(tmp_path, monkeypatch, model):
    broken = [Answer(calls=(Call("send_email", '{"to": ["rita'),)), Answer("I could not write.")]
    async with serve(lambda request: broken[min(request.turn, 2) - 1]) as server:
        server.point_to(monkeypatch)
        summary = await run_plan(tmp_path / "l.db", [model])
    assert summary.status == "complete", summary.first_error
    with Ledger.open(tmp_path / "l.db", create=False) as ledger:
        [episode] = ledger.episodes()
    assert episode.events == ()
    assert [message.failed for message in episode.messages if message.role == "tool"] == [True]


async def test_an_error_after_the_last_retry_is_kept_counted_and_asked_again(tmp_path, monkeypatch, waits):
    async with serve(lambda request: Fault.status(503)) as server:
        server.point_to(monkeypatch)
        summary = await run_plan(tmp_path / "l.db", ["compat/local"], epochs=2)
    assert (summary.finished, summary.errors, summary.missing, summary.status) == (0, 2, 2, "incomplete")
    async with serve(by_turn) as server:
        server.point_to(monkeypatch)
        again = await run_plan(tmp_path / "l.db", ["compat/local"], epochs=2, run_id="r2")
    assert (again.before, again.finished, again.status) == (0, 2, "complete")
    with Ledger.open(tmp_path / "l.db", create=False) as ledger:
        assert [episode.termination for episode in ledger.episodes()] == [Termination.COMPLETED] * 2


async def test_a_wrong_key_stops_that_model_only(tmp_path, monkeypatch, waits):
    def openai_rejects(request):
        return Fault.status(401, "Incorrect API key") if "chat/completions" in request.path else by_turn(request)

    async with serve(openai_rejects) as server:
        server.point_to(monkeypatch)
        models = ["openai/gpt-4.1", "anthropic/claude-opus-4-5"]
        summary = await run_plan(tmp_path / "l.db", models, epochs=20, connections=2)
    rejected = [request for request in server.requests if "chat/completions" in request.path]
    assert len(rejected) <= 2
    assert list(summary.unavailable) == ["openai/gpt-4.1"]
    assert (summary.finished, summary.status) == (20, "incomplete")


async def test_a_finished_battery_asks_nobody_again(tmp_path, monkeypatch):
    async with serve(by_turn) as server:
        server.point_to(monkeypatch)
        await run_plan(tmp_path / "l.db", MODELS, epochs=2)
        asked = server.count
        again = await run_plan(tmp_path / "l.db", MODELS, epochs=3, run_id="r2")
    assert (again.before, again.finished) == (10, 5)
    assert server.count == asked + 15


async def test_the_key_reaches_neither_ledger_nor_messages(tmp_path, monkeypatch, waits):
    async with serve(lambda request: Fault.status(400, f"bad key {KEY} given")) as server:
        server.point_to(monkeypatch)
        summary = await run_plan(tmp_path / "l.db", MODELS)
    assert {request.key != "Bearer none" for request in server.requests} == {True, False}
    assert "rejected" in summary.first_error and KEY not in summary.first_error
    dump = "\n".join(sqlite3.connect(tmp_path / "l.db").iterdump())
    blobs = [zlib.decompress(data) for (data,) in sqlite3.connect(tmp_path / "l.db").execute("SELECT data FROM blobs")]
    assert KEY not in dump and all(KEY.encode() not in blob for blob in blobs)
    with Ledger.open(tmp_path / "l.db", create=False) as ledger:
        assert all(KEY not in json.dumps(episode.model_dump(mode="json")) for episode in ledger.episodes())


async def test_seeds_differ_by_episode_and_reach_servers_that_take_one(tmp_path, monkeypatch):
    async with serve(by_turn) as server:
        server.point_to(monkeypatch)
        await run_plan(tmp_path / "l.db", ["compat/local"], epochs=4)
    seeds = {request.json["seed"] for request in server.requests}
    assert len(seeds) == 4
    with Ledger.open(tmp_path / "l.db", create=False) as ledger:
        assert {episode.seed for episode in ledger.episodes()} == seeds


async def test_a_routers_moderation_of_one_request_is_that_episodes_error_and_not_the_models_end(tmp_path, monkeypatch):
    def flags_one(request):
        return Fault.status(403, "your input was flagged by moderation") if request.index == 1 else by_turn(request)

    async with serve(flags_one) as server:
        server.point_to(monkeypatch)
        summary = await run_plan(tmp_path / "l.db", ["compat/local"], epochs=4, connections=1)
    assert (summary.finished, summary.errors, summary.unavailable) == (3, 1, {})
    with Ledger.open(tmp_path / "l.db", create=False) as ledger:
        assert sum(episode.termination is Termination.MODEL_ERROR for episode in ledger.episodes()) == 1
