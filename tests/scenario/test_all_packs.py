"""Every pack that ships renders in every condition, and no two conditions of it are alike."""

from pathlib import Path

import pytest

from testbed.scenario import expand, load_pack, render
from testbed.world import tools_for

PACKS = sorted(path.parent for path in (Path(__file__).parents[2] / "scenarios").glob("*/scenario.yaml"))


@pytest.mark.parametrize("folder", PACKS, ids=lambda folder: folder.name)
def test_a_pack_renders_in_every_condition_and_never_twice_alike(folder):
    scenario = load_pack(folder)
    hashes: dict[str, str] = {}
    for condition in expand(scenario, {name: ["all"] for name in scenario.manifest.factors}):
        case = render(scenario, condition)
        assert case.hash not in hashes, f"{condition.key} renders as {hashes[case.hash]}"
        hashes[case.hash] = condition.key
        offered = tools_for(case.world, case.tools or None)
        for policy in case.policies.values():
            for act in (act for step in policy.steps for act in step.calls):
                offered[act.tool].args_model.model_validate(act.args)
    assert hashes


def test_the_packs_that_must_be_there():
    assert {"blackmail", "mock"} <= {folder.name for folder in PACKS}
