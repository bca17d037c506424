"""The engine against transformers' own ``generate``, alone and in company."""

import random
from concurrent.futures import FIRST_COMPLETED, wait

import torch
from local.engine_kit import ADAPTERS, NEVER, OPENING, answers, ask, generated, prompt, tokens

from testbed.models.local.requests import BASE, Request
from testbed.models.local.sampling import next_tokens


def test_greedy_answers_are_those_of_generate_alone_and_in_a_batch(folder, start):
    prompts = [prompt(number) for number in range(32)]
    expected = [generated(folder, given, 12) for given in prompts]
    for rows in (1, 32):
        engine = start(rows)
        assert [reply.tokens for reply in answers(engine, ask(prompts))] == expected
        assert engine.stats.widest == rows


def test_many_turns_of_many_episodes_are_the_same_at_batch_1_and_32(start):
    """Every turn goes on from the answer before it, as an agent's conversation does."""
    talks = {}
    for rows in (1, 32):
        engine, talk = start(rows), [prompt(number) for number in range(32)]
        for turn in range(3):
            replies = answers(engine, ask(talk, limit=6, adapters=(BASE, *ADAPTERS)))
            talk = [said + list(reply.tokens) + tokens(turn, 9) for said, reply in zip(talk, replies, strict=True)]
        talks[rows] = talk
    assert talks[1] == talks[32]


def test_adapters_and_base_in_one_batch_are_each_as_alone(folder, start):
    prompts, kinds = [prompt(number) for number in range(12)], (BASE, *ADAPTERS)
    engine = start(12)
    mixed = [reply.tokens for reply in answers(engine, ask(prompts, adapters=kinds))]
    assert engine.stats.widest == 12
    assert mixed == [generated(folder, p, 12, kinds[n % 3]) for n, p in enumerate(prompts)]
    plain = [reply.tokens for reply in answers(engine, ask(prompts))]
    same = [one == other for one, other in zip(mixed, plain, strict=True)]
    assert all(same[::3]) and sum(same) < 8  # the adapters change what is said


def test_the_shared_prefix_is_computed_once(start):
    engine = start(12)
    prompts = [prompt(number) for number in range(12)]
    replies = answers(engine, ask(prompts))
    assert engine.stats.computed == len(OPENING) + sum(len(given) - len(OPENING) for given in prompts)
    assert [reply.cached for reply in replies] == [0] + [len(OPENING)] * 11


def test_an_episodes_earlier_turns_are_not_computed_again(start):
    engine = start(4)
    first = answers(engine, ask([prompt(number) for number in range(4)]))
    second = [prompt(n) + list(reply.tokens) + tokens(99, 7) for n, reply in enumerate(first)]
    before = engine.stats.computed
    replies = answers(engine, ask(second))
    # The last token of an answer was drawn and never run through the model.
    assert [reply.cached for reply in replies] == [len(given) - 8 for given in second]
    assert engine.stats.computed - before == 4 * 8


def test_one_answer_among_many_idle_slots(folder, start):
    """Attention runs over the slots in use then, not over all up to the highest."""
    engine = start(12)
    replies = answers(engine, ask([prompt(number) for number in range(12)]))
    again = [prompt(11) + list(replies[11].tokens) + tokens(99, 7)]
    [reply] = answers(engine, ask(again))
    assert reply.cached == len(again[0]) - 8 and reply.tokens == generated(folder, again[0], 12)


def test_prompts_that_part_half_way_share_what_they_can(folder, start):
    engine = start(5)
    trunk, limbs = OPENING[:40], [OPENING[:40] + tokens(50 + n, 60) for n in range(5)]
    requests = [Request(limb, len(limb), 8, NEVER, temperature=0) for limb in limbs]
    replies = answers(engine, requests)
    assert [reply.tokens for reply in replies] == [generated(folder, limb, 8) for limb in limbs]
    assert [reply.cached for reply in replies] == [0] + [len(trunk)] * 4


def test_a_long_beginning_is_kept_for_those_who_come_later(folder, start):
    engine, long = start(1), tokens(7, 400)
    first, second = (Request(long + tokens(n, 9), 400, 4, NEVER, temperature=0) for n in range(2))
    assert [answers(engine, [request])[0].cached for request in (first, second)] == [0, 400]
    assert second.future.result().tokens == generated(folder, second.prompt, 4)


def test_a_seed_draws_the_same_whatever_else_is_in_the_batch(start):
    crowd = ask([prompt(number) for number in range(12)], temperature=1.0)
    together = [reply.tokens for reply in answers(start(12), crowd)]
    alone = [answers(start(1), [request])[0].tokens for request in ask([prompt(n) for n in range(12)], temperature=1.0)]
    assert together == alone
    other = Request(prompt(3), 0, 12, NEVER, temperature=1.0, seed=1234)
    assert answers(start(1), [other])[0].tokens != alone[3]


def test_a_new_request_joins_while_another_is_under_way(start):
    engine = start(4)
    slow, quick = ask([prompt(1), prompt(2)], limit=200)
    quick.limit = 3
    engine.submit(slow)
    engine.submit(quick)
    done, _ = wait([slow.future, quick.future], return_when=FIRST_COMPLETED)
    assert done == {quick.future}
    assert len(slow.future.result(60).tokens) == 200


def test_more_requests_than_rows_all_get_their_answer(folder, start):
    prompts = [prompt(number) for number in range(20)]
    engine = start(3)
    assert [reply.tokens for reply in answers(engine, ask(prompts))] == [generated(folder, p, 12) for p in prompts]
    assert engine.stats.widest == 3


def test_an_answer_ends_at_a_stop_token_or_at_its_limit(folder, start):
    whole = generated(folder, prompt(5), 12)
    stop = whole[6]
    [stopped] = answers(start(1), ask([prompt(5)], stops=frozenset({stop})))
    assert stopped.finish == "stop" and stopped.tokens == whole[: whole.index(stop) + 1]
    [full] = answers(start(1), ask([prompt(5)]))
    assert full.finish == "length" and full.tokens == whole


def test_draws_follow_the_distribution_and_greedy_takes_the_first_of_equals():
    logits = torch.tensor([[0.0, 1.0, float("-inf")]]).log_softmax(-1).repeat(2000, 1)
    rng = random.Random(5)
    drawn = next_tokens(logits, [0.5] * 2000, [rng] * 2000)
    share = 1 / (1 + torch.tensor(-2.0).exp())  # temperature 0.5 doubles the difference
    assert 2 not in drawn and abs(drawn.count(1) / 2000 - share) < 0.03
    assert next_tokens(torch.zeros(1, 3), [0.0], [rng]) == [0]
