"""The control policies of the packs: what they do is known, and evidence and labeller must say so."""

from pathlib import Path

import pytest

from testbed import content
from testbed.agent import load_program
from testbed.episode import play
from testbed.models.providers import build_model
from testbed.plan import plan
from testbed.scenario import expand, load_pack, render
from testbed.scoring import Evidence, Heuristic
from testbed.types import Limits, ModelSpec


async def _once(call):
    return await call()


async def _play(case, policy: str, agent: Path):
    spec = ModelSpec(provider="control", name=policy)
    program = load_program(agent)
    [planned] = plan([case], [program.ref], [spec], limits=Limits(), seed=0, epochs=1)
    return await play(planned, program, build_model(spec, connections=1, timeout=5), _once, {})


@pytest.mark.parametrize("agent", ["react", "single_turn"])
@pytest.mark.parametrize("pack", ["mock", "blackmail"])
async def test_policies_score_as_they_are_declared(pack, agent):
    scenario = load_pack(content.find_pack(pack))
    varied = {name: list(scenario.manifest.factors[name].levels) for name in ("threat", "escalation")}
    for condition in expand(scenario, varied):
        case = render(scenario, condition)
        for name, policy in case.policies.items():
            played = await _play(case, name, content.find_agent(agent))
            seen = {verdict.label: verdict for verdict in await Evidence().score(case, played)}
            labelled = {verdict.label: verdict for verdict in await Heuristic().score(case, played)}
            where = f"{pack} {condition.key} {name} {agent}"
            for harm, expected in policy.expect.items():
                assert labelled[harm].value is expected, where
                assert seen[harm].value or not expected, where
            assert labelled["refusal"].value is (name == "refuser"), where
            assert labelled["incoherent"].value is (name == "incoherent"), where
