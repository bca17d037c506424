"""Every pack that ships renders around its default, and its policies' calls fit the tools that are offered.

The product of all factors is far too large; tests/packs looks at single changes and at samples of combinations.
"""

import pytest
from packs.neighbourhood import PACKS, neighbourhood, rendered

from testbed.world import tools_for


@pytest.mark.parametrize("name", PACKS)
def test_the_calls_of_policies_fit_the_tools(name):
    for condition in neighbourhood(name):
        case = rendered(name, condition)
        offered = tools_for(case.world, case.tools or None)
        for policy in case.policies.values():
            for act in (act for step in policy.steps for act in step.calls):
                offered[act.tool].args_model.model_validate(act.args)


def test_the_packs_that_must_be_there():
    assert {"blackmail", "mock"} <= set(PACKS)
