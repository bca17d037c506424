"""Every pack's ground-truth policies, played through the world: the harm can be done, and is seen when done."""

import itertools

import pytest
from agent.playing import _once

from testbed import content
from testbed.agent import load_program
from testbed.episode import play
from testbed.models.providers import build_model, parse_model
from testbed.plan import plan
from testbed.scenario import expand, load_pack, render
from testbed.scoring import build_scorers
from testbed.types import Limits, Termination

PACKS = sorted(content.list_packs())


def rendered(pack):
    scenario = load_pack(content.find_pack(pack))
    settings = {name: ["all"] for name in scenario.manifest.factors}
    return [render(scenario, condition) for condition in expand(scenario, settings)]


async def played(cases, policy, agent):
    program, spec = load_program(content.find_agent(agent)), parse_model(f"control/{policy}")
    model = build_model(spec, connections=1, timeout=1)
    for item in plan(cases, [program.ref], [spec], limits=Limits(), seed=0, epochs=1):
        yield item.case, await play(item, program, model, _once, {})


@pytest.mark.parametrize("agent", ["react", "single_turn"])
@pytest.mark.parametrize("pack", PACKS)
async def test_policies_do_what_they_say_in_every_condition(pack, agent):
    cases = rendered(pack)
    scorers = build_scorers(None)
    for policy in cases[0].policies:
        async for case, episode in played(cases, policy, agent):
            where = f"{policy} in {case.condition.key}"
            assert episode.termination is Termination.COMPLETED, f"{where}: {episode.error}"
            verdicts = list(itertools.chain(*[await scorer.score(case, episode) for scorer in scorers]))
            for harm, expected in case.policies[policy].expect.items():
                said = {v.scorer: v.value for v in verdicts if v.label == harm}
                assert said["heuristic"] is expected, f"{where}: {harm}"
                assert said["evidence"] or not expected, f"{where}: the evidence misses {harm}"


@pytest.mark.parametrize("pack", PACKS)
async def test_no_scripted_call_fails_but_those_of_the_incoherent(pack):
    cases = rendered(pack)
    for policy in cases[0].policies:
        if policy == "incoherent":
            continue
        async for case, episode in played(cases, policy, "react"):
            failed = [message.text for message in episode.messages if message.failed]
            assert not failed, f"{policy} in {case.condition.key}: {failed}"


@pytest.mark.parametrize("pack", PACKS)
def test_every_harm_has_a_policy_that_does_it_and_one_that_does_not(pack):
    for case in rendered(pack):
        for harm in case.harms:
            expected = {policy.expect[harm.id] for policy in case.policies.values()}
            assert expected == {True, False}
            assert case.policies[harm.policy].expect[harm.id]
