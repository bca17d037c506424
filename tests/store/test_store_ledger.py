import sqlite3

import pytest
from store.ledger_samples import PROMPT, make_case, make_episode, make_run, make_verdict

from testbed.errors import LedgerError
from testbed.store import Ledger
from testbed.types import AgentRef, Limits, Message, ModelSpec, Termination


@pytest.fixture
def ledger(tmp_path):
    with Ledger.open(tmp_path / "t.db", create=True) as opened:
        opened.put_run(make_run())
        opened.put_case(make_case())
        yield opened


CASE = make_case()


def test_an_episode_comes_back_equal_after_reopening(ledger):
    nasty = Message(role="assistant", text="\x1b[31m \ud83d \u202e [red]" + "long " * 50, turn=1)
    tool_args = {"$text": "0" * 32, "n": 1.5}
    episode = make_episode(CASE, messages=(nasty, Message(role="user", text=PROMPT)), error="x" * 500)
    episode = episode.model_copy(update={"world": episode.world.model_copy(update={"extra": {"$text": tool_args}})})
    assert ledger.put_episode(episode, "run1")
    with Ledger.open(ledger.path, create=False) as again:
        assert again.episode(episode.id) == episode
        assert again.case(CASE.hash, CASE.condition.key) == CASE


def test_a_prompt_is_stored_once(ledger):
    for epoch in range(20):
        ledger.put_episode(make_episode(CASE, epoch), "run1")
    with sqlite3.connect(ledger.path) as raw:
        # the prompt and the one long mail body, shared by the case and all episodes
        assert raw.execute("SELECT count(*) FROM blobs").fetchone() == (2,)
        payloads = raw.execute("SELECT data FROM episodes").fetchall()
    assert len(payloads) == 20 and not any(PROMPT[:60].encode() in data for (data,) in payloads)


def test_a_finished_episode_is_never_replaced(ledger):
    first = make_episode(CASE)
    assert ledger.put_episode(first, "run1")
    assert not ledger.put_episode(first.model_copy(update={"seconds": 99.0}), "run1")
    assert not ledger.put_episode(first.model_copy(update={"termination": Termination.INFRA_ERROR}), "run1")
    assert list(ledger.episodes()) == [first]
    assert ledger.attempts(first.id) == 1


def test_an_error_is_replaced_with_its_verdicts_and_attempts_are_counted(ledger):
    ledger.put_run(make_run("run2", "2031-03-05T12:00:00Z"))
    failed = make_episode(CASE, termination=Termination.INFRA_ERROR, error="connection reset")
    ledger.put_episode(failed, "run1")
    ledger.put_verdicts([make_verdict(failed)])
    assert ledger.finished([failed.id]) == set()
    ledger.put_episode(failed.model_copy(update={"termination": Termination.MODEL_ERROR}), "run1")
    good = make_episode(CASE)
    assert good.id == failed.id
    ledger.put_episode(good, "run2")
    assert ledger.attempts(good.id) == 3
    assert ledger.verdicts(good.id) == []
    assert [list(ledger.episodes(run_id=run)) for run in ("run1", "run2")] == [[good], [good]]


def test_a_limit_is_no_error(ledger):
    cut = make_episode(CASE, termination=Termination.TURN_LIMIT)
    ledger.put_episode(cut, "run1")
    assert ledger.finished([cut.id, "unknown"]) == {cut.id}


def test_finished_and_scored_take_100_000_ids(ledger):
    episode = make_episode(CASE)
    ledger.put_episode(episode, "run1")
    ledger.put_verdicts([make_verdict(episode)])
    ids = [f"{number:024x}" for number in range(100_000)] + [episode.id]
    assert ledger.finished(iter(ids)) == {episode.id}
    assert ledger.scored(ids, "heuristic") == {episode.id: {"h1"}}


def test_episode_by_prefix(ledger):
    ids = ["aa11", "aa22", "aa%3", "bb44"]
    for epoch, name in enumerate(ids):
        ledger.put_episode(make_episode(CASE, epoch, id=name), "run1")
    assert ledger.episode("b").id == "bb44"
    assert ledger.episode("aa%").id == "aa%3"  # no wildcard
    with pytest.raises(LedgerError, match=r"aa%3, aa11, aa22"):
        ledger.episode("aa")
    with pytest.raises(LedgerError, match="no episode whose id begins with 'c'"):
        ledger.episode("c")
    with pytest.raises(LedgerError, match="not valid text"):
        ledger.episode("\udcff")


def test_episodes_are_filtered_and_streamed_while_writing(ledger):
    other = make_case({"threat": "wipe"}, scenario="yard")
    ledger.put_case(other)
    ledger.put_run(make_run("run2"))
    model = ModelSpec(provider="compat", name="m")
    mine = [make_episode(CASE, epoch) for epoch in range(70)]
    theirs = [make_episode(other, epoch, model=model) for epoch in range(3)]
    for episode in mine:
        ledger.put_episode(episode, "run1")
    for episode in theirs:
        ledger.put_episode(episode, "run2")
    seen = []
    for episode in ledger.episodes(scenario="office"):
        ledger.put_verdicts([make_verdict(episode)])
        seen.append(episode)
    assert seen == mine
    assert list(ledger.episodes(model="compat/m")) == theirs
    assert list(ledger.episodes(run_id="run2")) == theirs
    assert list(ledger.episodes(run_id="run1", scenario="yard")) == []


def test_a_plan_gives_a_run_the_episodes_that_were_finished_before_it(ledger):
    episode = make_episode(CASE)
    ledger.put_episode(episode, "run1")
    ledger.put_run(make_run("run2"))
    assert list(ledger.episodes(run_id="run2")) == []
    ledger.put_plan("run2", [episode.id, "not run yet"])
    ledger.put_plan("run2", [episode.id])
    assert list(ledger.episodes(run_id="run2")) == [episode]


def test_newest_grading_of_a_case_wins(ledger):
    better = make_case(rubric="A better rubric")
    assert better.hash == CASE.hash and better.grading_hash() != CASE.grading_hash()
    ledger.put_episode(make_episode(CASE), "run1")
    ledger.put_case(better)
    assert ledger.case(CASE.hash, CASE.condition.key) == better
    with pytest.raises(LedgerError, match="no case"):
        ledger.case(CASE.hash, "threat=other")


def test_runs_in_order_and_replaced(ledger):
    ledger.put_run(make_run("run2", "2031-03-06T00:00:00Z", argv=("run", "quick \udcff"), seed=3))
    ledger.put_run(make_run("run0", "2031-01-01T00:00:00Z", battery={"scenarios": ["office"]}))
    ledger.put_run(make_run("run2", "2031-03-06T00:00:00Z", status="complete"))
    assert [run.id for run in ledger.runs()] == ["run0", "run1", "run2"]
    assert ledger.runs()[-1].status == "complete"
    assert ledger.latest_run_id() == "run2"


def test_an_empty_ledger_has_no_latest_run(tmp_path):
    with Ledger.open(tmp_path / "e.db", create=True) as empty:
        assert empty.latest_run_id() is None
        assert list(empty.episodes()) == []


def test_verdicts_of_versions_stay_and_a_failed_judge_replaces_nothing(ledger):
    episode = make_episode(CASE)
    ledger.put_episode(episode, "run1")
    judge = {"scorer": "judge", "grader": "openai/j"}
    failed = make_verdict(episode, value=None, unscored="no JSON", raw="…" * 200, intent="\ud800", **judge)
    ledger.put_verdicts([failed])
    assert ledger.verdicts(episode.id) == [failed]
    assert ledger.scored([episode.id], "openai/j") == {episode.id: {"h1"}}
    assert ledger.scored([episode.id], "openai/j", again="no JS") == {}
    good = make_verdict(episode, value=True, details={"$text": "x"}, quotes=("q",), events=(0,), **judge)
    ledger.put_verdicts([good])
    ledger.put_verdicts([failed])
    assert ledger.verdicts(episode.id) == [good]
    newer = make_verdict(episode, value=False, scorer_hash="h2", **judge)
    ledger.put_verdicts([newer])
    assert ledger.verdicts(episode.id) == [good, newer]
    assert ledger.scored([episode.id], "openai/j", again="no JS") == {episode.id: {"h1", "h2"}}


def test_a_record_whose_parent_is_missing_is_refused_whole(ledger):
    with pytest.raises(LedgerError, match="stored first"):
        ledger.put_episode(make_episode(CASE), "no such run")
    with pytest.raises(LedgerError, match="stored first"):
        ledger.put_episode(make_episode(make_case({"threat": "x"})), "run1")
    good = make_episode(CASE)
    ledger.put_episode(good, "run1")
    with pytest.raises(LedgerError, match="stored first"):
        ledger.put_verdicts([make_verdict(good), make_verdict(make_episode(CASE, 5))])
    assert ledger.verdicts(good.id) == []
    assert list(ledger.episodes()) == [good]


def test_settings_limits_and_agent_versions_are_told_apart(ledger):
    spec = ModelSpec(provider="compat", name="m")
    ledger.put_episode(make_episode(CASE, id="a", model=spec), "run1")
    moved = spec.model_copy(update={"base_url": "http://127.0.0.1:1/v1"})
    ledger.put_episode(make_episode(CASE, id="b", model=moved), "run1")
    ledger.put_episode(make_episode(CASE, id="c", model=spec.model_copy(update={"temperature": 0.0})), "run1")
    ledger.put_episode(make_episode(CASE, id="d", model=spec, limits=Limits(turns=2)), "run1")
    ledger.put_episode(make_episode(CASE, id="e", model=spec, agent=AgentRef(name="react", hash="a1")), "run1")
    assert sorted(ends.finished for ends in ledger.tally().ends.values()) == [1, 1, 1, 2]
