import json
import math
import random
from collections import Counter, defaultdict

import pytest
from store.ledger_samples import make_case, make_episode, make_run, make_verdict

from testbed.report.rates import RateRow, rows
from testbed.stats.wilson import wilson
from testbed.store import Ledger
from testbed.types import AgentRef, ModelSpec, Termination


@pytest.fixture
def ledger(tmp_path):
    with Ledger.open(tmp_path / "t.db", create=True) as opened:
        opened.put_run(make_run())
        yield opened


def fill(ledger, case, epochs, **more):
    ledger.put_case(case)
    episodes = [make_episode(case, epoch, **more) for epoch in epochs]
    for episode in episodes:
        ledger.put_episode(episode, "run1")
    return episodes


JUDGE = {"scorer": "judge", "grader": "openai/judge"}


def test_field_order_is_the_documented_one():
    assert (
        list(RateRow.model_fields)[:19]
        == (
            "model agent scenario condition label n harmful rate ci_low ci_high refusals incoherent limits errors "
            "model_errors infra_errors unscored grader control"
        ).split()
    )


def test_errors_and_unscored_are_never_in_n(ledger):
    case = make_case()
    good = fill(ledger, case, range(4))
    fill(ledger, case, [4], termination=Termination.MODEL_ERROR)
    fill(ledger, case, [5, 6], termination=Termination.INFRA_ERROR)
    cut = fill(ledger, case, [7], termination=Termination.TURN_LIMIT)
    ledger.put_verdicts([make_verdict(good[0], value=True), make_verdict(good[1]), make_verdict(cut[0])])
    ledger.put_verdicts([make_verdict(good[2], value=None, unscored="unreadable")])  # good[3]: no verdict at all
    (row,) = rows(ledger)
    assert (row.n, row.harmful, row.rate, row.limits) == (3, 1, 1 / 3, 1)
    assert (row.errors, row.model_errors, row.infra_errors, row.unscored) == (3, 1, 2, 2)
    assert (row.ci_low, row.ci_high) == wilson(1, 3)
    assert (row.grader, row.control, row.variant, row.model) == ("heuristic", True, "", "control/aligned")


def test_a_cell_of_errors_only_still_has_a_row_for_each_harm(ledger):
    fill(ledger, make_case(harms=("blackmail", "leak")), range(3), termination=Termination.INFRA_ERROR)
    found = rows(ledger)
    assert [(row.label, row.n, row.rate, row.ci_low, row.errors, row.grader) for row in found] == [
        ("blackmail", 0, None, None, 3, ""),
        ("leak", 0, None, None, 3, ""),
    ]


def test_a_case_without_harms_is_not_dropped(ledger):
    fill(ledger, make_case(harms=()), range(2))
    assert [(row.label, row.n, row.unscored) for row in rows(ledger)] == [("", 0, 2)]


def test_evidence_is_no_row_and_no_score(ledger):
    (episode,) = fill(ledger, make_case(), [0])
    ledger.put_verdicts([make_verdict(episode, value=True, scorer="evidence")])
    assert [(row.n, row.unscored) for row in rows(ledger, all_graders=True)] == [(0, 1)]


def test_the_newest_judge_wins_and_what_it_did_not_score_is_unscored(ledger):
    episodes = fill(ledger, make_case(), range(3))
    ledger.put_verdicts([make_verdict(e, value=True) for e in episodes])
    ledger.put_verdicts([make_verdict(e, value=True, scorer="judge", grader="openai/old") for e in episodes])
    ledger.put_verdicts([make_verdict(e, value=False, **JUDGE) for e in episodes[:2]])
    ledger.put_verdicts([make_verdict(e, value=True) for e in episodes])  # the heuristic again: no judge
    (row,) = rows(ledger)
    assert (row.grader, row.n, row.harmful, row.unscored) == ("openai/judge", 2, 0, 1)
    every = {row.grader: (row.n, row.harmful, row.unscored) for row in rows(ledger, all_graders=True)}
    assert every == {"openai/judge": (2, 0, 1), "openai/old": (3, 3, 0), "heuristic": (3, 3, 0)}


def test_the_newest_version_of_a_grader_counts_also_when_it_failed(ledger):
    episodes = fill(ledger, make_case(), range(3))
    ledger.put_verdicts([make_verdict(e, value=True, **JUDGE) for e in episodes])
    ledger.put_verdicts([make_verdict(episodes[0], value=False, scorer_hash="h2", **JUDGE)])
    ledger.put_verdicts([make_verdict(episodes[1], value=None, unscored="refused", scorer_hash="h2", **JUDGE)])
    (row,) = rows(ledger)
    assert (row.n, row.harmful, row.unscored, row.scorer_versions) == (2, 1, 1, 2)


def test_flags_count_inside_n_by_the_rows_own_grader_if_it_judges_them(ledger):
    episodes = fill(ledger, make_case(), range(4))
    ledger.put_verdicts([make_verdict(e) for e in episodes])
    ledger.put_verdicts([make_verdict(e, "refusal", value=True) for e in episodes[:3]])
    ledger.put_verdicts([make_verdict(e, "incoherent", value=e is episodes[3]) for e in episodes])
    ledger.put_verdicts([make_verdict(e, **JUDGE) for e in episodes[1:]])  # the first is unscored by the judge
    (row,) = rows(ledger)
    assert (row.grader, row.n, row.refusals, row.incoherent) == ("openai/judge", 3, 2, 1)
    ledger.put_verdicts([make_verdict(e, "refusal", value=e is episodes[3], **JUDGE) for e in episodes[1:]])
    by = {row.grader: row.refusals for row in rows(ledger, all_graders=True)}
    assert by == {"openai/judge": 1, "heuristic": 3}


def test_what_is_not_comparable_is_not_pooled(ledger):
    case = make_case()
    spec = ModelSpec(provider="compat", name="m")
    fill(ledger, case, range(2), model=spec)
    fill(ledger, make_case(system="Another version of the pack. " * 9), range(3), model=spec)
    fill(ledger, case, range(4), model=spec.model_copy(update={"temperature": 0.0}))
    fill(ledger, case, range(5), model=spec, agent=AgentRef(name="react", hash="b1"))
    fill(ledger, case, range(6), model=spec, agent=AgentRef(name="other", hash="b1"))
    found = rows(ledger)
    assert sorted(row.unscored for row in found if row.variant) == [2, 3, 4, 5]
    assert len({row.variant for row in found if row.variant}) == 4
    assert [row.unscored for row in found if not row.variant] == [6]
    assert [row.control for row in found] == [False] * 5


def test_filters(ledger):
    case, other = make_case(), make_case(scenario="yard")
    first = fill(ledger, case, range(2))
    fill(ledger, other, range(3))
    ledger.put_run(make_run("run2"))
    ledger.put_plan("run2", [first[0].id])
    assert [row.unscored for row in rows(ledger, "run2")] == [1]
    assert [row.unscored for row in rows(ledger, "run1")] == [2, 3]
    assert [row.scenario for row in rows(ledger, scenario="yard")] == ["yard"]
    assert rows(ledger, model="control/none") == []


@pytest.mark.parametrize("seed", range(12))
def test_sums_agree_with_counting_by_hand(tmp_path, seed):
    noise = random.Random(seed)
    cases = [make_case({"threat": t}, harms=h) for t, h in [("none", ("a",)), ("wipe", ("a", "b")), ("cut", ("b",))]]
    models = [ModelSpec(provider="control", name="x"), ModelSpec(provider="compat", name="y", temperature=0.5)]
    with Ledger.open(tmp_path / "t.db", create=True) as ledger:
        ledger.put_run(make_run())
        for case in cases:
            ledger.put_case(case)
        for epoch in range(60):
            end = noise.choice([*Termination, Termination.COMPLETED])
            episode = make_episode(noise.choice(cases), epoch, end, model=noise.choice(models))
            ledger.put_episode(episode, "run1")
        _score_at_random(ledger, noise)
        _compare(ledger, cases)


def _score_at_random(ledger, noise):
    graders = [("heuristic", "heuristic"), ("judge", "j/1"), ("judge", "j/2"), ("evidence", "evidence")]
    episodes = list(ledger.episodes())
    for _ in range(400):
        scorer, grader = noise.choice(graders)
        label = noise.choice(["a", "b", "refusal", "incoherent"])
        value = noise.choice([True, False, None])
        version = noise.choice(["h1", "h2"])
        verdict = make_verdict(noise.choice(episodes), label, value, scorer, grader, version)
        if verdict.grader == "j/2" and noise.random() < 0.7:
            continue
        ledger.put_verdicts([verdict])


def _compare(ledger, cases):
    """Count again from whole episodes and verdicts, by the definitions of docs/statistics.md."""
    harms = {(case.hash, case.condition.key): {h.id for h in case.harms} for case in cases}
    cells = defaultdict(list)
    for episode in ledger.episodes():
        cells[episode.model.id, episode.condition.key].append(episode)
    expected = {}
    for (model, condition), episodes in cells.items():
        finished = [e for e in episodes if not e.termination.is_error]
        newest = {}
        judges = defaultdict(set)
        for episode in finished:
            for verdict in ledger.verdicts(episode.id):  # oldest first
                if verdict.scorer != "evidence":
                    newest[episode.id, verdict.label, verdict.grader] = verdict.value
                    judges[verdict.label].add(verdict.grader)
        ends = Counter(e.termination for e in episodes)
        labels = harms[episodes[0].case_hash, condition] | (set(judges) - {"refusal", "incoherent"})
        for label in labels:
            for grader in judges[label] or {""}:
                scored = [e for e in finished if newest.get((e.id, label, grader)) is not None]
                expected[model, condition, label, grader] = (
                    len(scored),
                    sum(newest[e.id, label, grader] for e in scored),
                    sum(e.termination.is_limit for e in scored),
                    ends[Termination.MODEL_ERROR],
                    ends[Termination.INFRA_ERROR],
                    len(finished) - len(scored),
                    *(
                        sum(bool(newest.get((e.id, flag, grader))) for e in scored) if grader in judges[flag] else None
                        for flag in ("refusal", "incoherent")
                    ),
                )
    found = {(r.model, r.condition, r.label, r.grader): r for r in rows(ledger, all_graders=True, all_labels=True)}
    assert found.keys() == expected.keys()
    for key, (n, harmful, limits, model_errors, infra_errors, unscored, *flags) in expected.items():
        row = found[key]
        assert (row.n, row.harmful, row.limits, row.unscored) == (n, harmful, limits, unscored), key
        assert (row.model_errors, row.infra_errors) == (model_errors, infra_errors)
        assert row.errors == model_errors + infra_errors
        assert row.rate == (harmful / n if n else None)
        for flag, count in zip((row.refusals, row.incoherent), flags, strict=True):
            assert flag <= n
            assert count is None or flag == count
        json.dumps(row.model_dump(), allow_nan=False)
    best = {(r.model, r.condition, r.label): r for r in rows(ledger)}
    for (model, condition, label), row in best.items():
        others = {key[3] for key in expected if key[:3] == (model, condition, label)}
        assert row == found[model, condition, label, row.grader]
        assert row.grader.startswith("j/") or others <= {"heuristic", ""}


def test_nan_never_reaches_a_row(ledger):
    fill(ledger, make_case(), [0], termination=Termination.MODEL_ERROR)
    (row,) = rows(ledger)
    assert not any(isinstance(value, float) and math.isnan(value) for value in row.model_dump().values())


def test_labels_beyond_harms_and_tasks_have_rows_only_when_asked_for(ledger):
    case = make_case()
    ledger.put_case(case)
    episode = make_episode(case)
    ledger.put_episode(episode, "run1")
    labels = (case.harms[0].id, "task.tidy", "deception.impersonation")
    ledger.put_verdicts([make_verdict(episode, label=label) for label in labels])
    assert [row.label for row in rows(ledger)] == sorted(labels[:2])
    assert [row.label for row in rows(ledger, all_labels=True)] == sorted(labels)
