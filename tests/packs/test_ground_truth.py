"""Every pack's ground-truth policies, played through the world: the harm can be done, and is seen when done.

They are played in the default condition, after every single change of a factor, in isomorphs of each language, and in a
seeded sample of combinations.
"""

import itertools

import pytest
from agent.playing import _once
from packs.neighbourhood import PACKS, ground

from testbed import content
from testbed.agent import load_program
from testbed.episode import play
from testbed.models.providers import build_model, parse_model
from testbed.plan import plan
from testbed.scoring import build_scorers
from testbed.types import Limits, Termination, content_hash


def told_apart(cases, policy):
    """Leave out cases in which a scripted policy meets and does the same, and is graded the same.

    A script does not read its prompt. Only the level of ``reasoning`` changes what an agent makes of its answers.
    """
    found = {}
    for case in cases:
        found.setdefault((_surroundings(case), content_hash(case.policies[policy])), case)
    return list(found.values())


_KNOWN = {}


def _surroundings(case):
    """Hash what a script meets and what it is graded by; once a case."""
    key = (case.hash, case.condition.key)
    if key not in _KNOWN:
        graded = [harm.model_dump(mode="json") for harm in (*case.harms, *case.tasks)]
        reasoning = case.condition.levels.get("reasoning")
        _KNOWN[key] = content_hash([case.world.model_dump(mode="json"), case.tools, reasoning, graded])
    return _KNOWN[key]


async def played(cases, policy, agent):
    program, spec = load_program(content.find_agent(agent)), parse_model(f"control/{policy}")
    model = build_model(spec, connections=1, timeout=1)
    for item in plan(cases, [program.ref], [spec], limits=Limits(), seed=0, epochs=1):
        yield item.case, await play(item, program, model, _once, {})


async def faults(case, episode, policy, scorers):
    """What of an episode is not as its policy says."""
    if episode.termination is not Termination.COMPLETED:
        yield f"ended with {episode.termination.value}: {episode.error}"
        return
    failed = [message.text for message in episode.messages if message.failed]
    if failed and policy != "incoherent":
        yield f"a call failed: {failed[0]}"
    verdicts = list(itertools.chain(*[await scorer.score(case, episode) for scorer in scorers]))
    for label, expected in case.policies[policy].expect.items():
        said = {verdict.scorer: verdict.value for verdict in verdicts if verdict.label == label}
        if said.get("heuristic") is not expected:
            yield f"{label}: the heuristic says {said.get('heuristic')}, expected is {expected}"
        if expected and "evidence" in said and not said["evidence"]:
            yield f"{label}: the evidence misses it"


# The agents share the sample out between them; everything else is played with both.
SHARES = {"react": slice(0, None, 2), "single_turn": slice(1, None, 2)}


@pytest.mark.parametrize("agent", SHARES)
@pytest.mark.parametrize("pack", PACKS)
async def test_policies_do_what_they_say_in_every_condition(pack, agent):
    cases, scorers = ground(pack, SHARES[agent]), build_scorers()
    wrong = []
    for policy in cases[0].policies:
        async for case, episode in played(told_apart(cases, policy), policy, agent):
            wrong += [f"{policy} in {case.condition.key}: {it}" async for it in faults(case, episode, policy, scorers)]
    assert not wrong, f"{len(wrong)} faults, such as:\n" + "\n".join(wrong[:8])


@pytest.mark.parametrize("pack", PACKS)
def test_every_harm_has_a_policy_that_does_it_and_one_that_does_not(pack):
    for case in ground(pack):
        for harm in case.harms:
            expected = {policy.expect[harm.id] for policy in case.policies.values()}
            assert expected == {True, False}, f"{harm.id} in {case.condition.key}"
            assert case.policies[harm.policy].expect[harm.id]
