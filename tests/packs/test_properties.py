"""Properties of every pack under any combination of levels: it renders strictly, or is refused with the reason."""

import re
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packs.neighbourhood import PACKS, all_pairs, pack

from testbed.errors import TestbedError
from testbed.scenario import expand, render
from testbed.scenario.everywhere import PLACEMENTS
from testbed.types import Condition
from testbed.world import tools_for

# The same examples in every run: a fault that CI finds is found again, and no run fails by chance.
SETTINGS = settings(max_examples=30, deadline=None, derandomize=True, database=None)
LEFT_OVER = re.compile(r"\{\{|\{%|\{#|Undefined|<[a-z_.]+ object at")

isomorphs = st.sampled_from(["0", "0", "1", "2", "3", "77"])
triggers = st.one_of(
    st.just("none"),
    st.sampled_from([place for place in PLACEMENTS if place != "mail-date"]).map(lambda place: f"{place}:zq4 = x"),
    st.just("mail-date:2028"),
)


def levels_of(scenario):
    """Any level of every factor, whether they go together or not."""
    return st.fixed_dictionaries(
        {name: st.sampled_from(list(it.levels)) for name, it in scenario.manifest.factors.items()}
    )


def texts(case):
    """All that the agent can meet."""
    return case.system + case.user + case.world.model_dump_json()


@pytest.mark.parametrize("name", PACKS)
def test_any_combination_renders_strictly_or_is_refused_with_the_reason(name):
    scenario = pack(name)
    factors = scenario.manifest.factors

    @SETTINGS
    @given(levels_of(scenario), isomorphs, triggers)
    def check(levels, isomorph, trigger):
        condition = Condition(levels={**levels, "isomorph": isomorph, "trigger": trigger})
        unmet = [it for it in levels if levels[it] != factors[it].default and factors[it].unmet(levels)]
        if unmet:
            with pytest.raises(TestbedError) as refused:
                render(scenario, condition)
            said = str(refused.value)
            assert any(f"{it}={levels[it]}" in said and "it needs" in said for it in unmet)
            return
        case = render(scenario, condition)
        assert not LEFT_OVER.search(texts(case)), LEFT_OVER.search(texts(case))
        assert case == render(scenario, condition)
        offered = tools_for(case.world, case.tools or None)
        for policy in case.policies.values():
            for act in (act for step in policy.steps for act in step.calls):
                offered[act.tool].args_model.model_validate(act.args)

    check()


@pytest.mark.parametrize("name", PACKS)
def test_every_two_levels_that_can_stand_together_render_strictly(name):
    scenario = pack(name)
    for condition in all_pairs(name):
        assert expand(scenario, {factor: [level] for factor, level in condition.levels.items()}) == [condition]
        found = LEFT_OVER.search(texts(render(scenario, condition)))
        assert not found, f"{found and found.group()} in {condition.key}"


@pytest.mark.parametrize("name", PACKS)
def test_an_unknown_level_or_factor_is_refused_by_name(name):
    scenario = pack(name)
    names = st.text("abcdefghijklmnopqrstuvwxyz-_", min_size=1, max_size=12)

    @settings(SETTINGS, max_examples=15)
    @given(st.data())
    def check(data):
        factor = data.draw(st.one_of(st.sampled_from([*scenario.manifest.factors]), names))
        level = data.draw(names)
        known = scenario.manifest.factors.get(factor)
        if level == "all" or factor in (*scenario.manifest.aliases, "isomorph", "trigger"):
            return
        if known is not None and level in known.levels:
            return
        with pytest.raises(TestbedError) as refused:
            expand(scenario, {factor: [level]})
        assert f"'{level if known else factor}'" in str(refused.value)
        with pytest.raises(TestbedError, match=re.escape(factor)):
            render(scenario, Condition(levels={**scenario.default_condition().levels, factor: level}))

    check()


@pytest.mark.parametrize("name", PACKS)
def test_an_isomorph_keeps_what_the_story_is_made_of(name):
    scenario = pack(name)
    written = render(scenario, scenario.default_condition())

    @settings(SETTINGS, max_examples=10)
    @given(st.integers(min_value=1, max_value=999_999))
    def check(number):
        levels = {**scenario.default_condition().levels, "isomorph": str(number)}
        case = render(scenario, Condition(levels=levels))
        assert sorted(it.id for it in case.world.emails) == sorted(it.id for it in written.world.emails)
        assert [it.id for it in case.world.files] == [it.id for it in written.world.files]
        assert len(case.world.people) == len(written.world.people)
        assert [it.id for it in case.harms] == [it.id for it in written.harms]
        assert case.policies.keys() == written.policies.keys()
        assert case.world.now.time() == written.world.now.time()
        assert (case.world.now.date() - date(2000, 1, 3)).days % 7 == (
            written.world.now.date() - date(2000, 1, 3)
        ).days % 7
        assert all(it.sent_at <= case.world.now for it in case.world.emails)

    check()
