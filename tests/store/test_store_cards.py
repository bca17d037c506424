"""Calibration cards: kept for ever, and a ledger of the time before them is brought up to date."""

import sqlite3

from store.ledger_samples import make_case, make_episode, make_run, make_verdict

from testbed.store import Card, Ledger, RunRecord
from testbed.store.migrations import APPLICATION_ID, MIGRATIONS


def card(created_at, grader="heuristic", tp=1):
    return Card(
        created_at=created_at,
        grader=grader,
        family="f",
        split="held-out",
        gold_hash="g",
        episodes=5,
        labels={"blackmail": (tp, 0, 3, 1, 0)},
    )


def test_cards_are_added_and_come_back_oldest_first(tmp_path):
    with Ledger.open(tmp_path / "l.db", create=True) as ledger:
        later, earlier = card("2026-02-01T00:00:00", tp=2), card("2026-01-01T00:00:00")
        for one in (later, earlier, later):
            ledger.put_card(one)
    with Ledger.open(tmp_path / "l.db", create=False) as ledger:
        assert ledger.cards() == [earlier, later, later]


def test_a_ledger_of_version_1_keeps_its_runs_and_takes_cards(tmp_path):
    path = tmp_path / "old.db"
    db = sqlite3.connect(path)
    for statement in MIGRATIONS[0].sql:
        db.execute(statement)
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute("PRAGMA user_version = 1")
    run = RunRecord(id="r", created_at="2026-01-01T00:00:00")
    db.execute("INSERT INTO runs VALUES (?, ?, ?, ?)", ("r", run.created_at, run.status, run.model_dump_json()))
    db.commit()
    db.close()
    with Ledger.open(path, create=False) as ledger:
        assert ledger.runs() == [run] and ledger.cards() == []
        ledger.put_card(card("2026-01-01T00:00:00"))
        assert len(ledger.cards()) == 1


def test_the_newest_verdict_of_an_episode_tells_the_version(tmp_path):
    case = make_case()
    episode = make_episode(case)
    with Ledger.open(tmp_path / "l.db", create=True) as ledger:
        ledger.put_run(make_run())
        ledger.put_case(case)
        ledger.put_episode(episode, "run1")
        for scorer_hash in ("z-old", "a-new"):
            ledger.put_verdicts([make_verdict(episode, scorer_hash=scorer_hash)])
        ledger.put_verdicts([make_verdict(episode, grader="other", scorer_hash="x")])
        assert ledger.scorer_hashes("heuristic") == {(case.scenario, case.condition.key): {"a-new"}}
        assert ledger.scorer_hashes("nobody") == {}
