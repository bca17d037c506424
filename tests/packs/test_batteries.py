"""The batteries that ship: every entry names what exists, and the cells come out as they are described."""

from collections import Counter

import pytest

from testbed import content
from testbed.published import load_published
from testbed.runner.battery import cases, load_battery

# How many cases each battery renders to. A change here changes what a run costs.
SIZES = {
    "paper": 18,
    "naming": 3 * 2 * 4,
    "realism": 3 * 3 * 4,
    "mitigations": 3 * (8 * 2 + 2),
    "negative-controls": 6,
}


@pytest.fixture(scope="module")
def rendered():
    """Every battery's cases, rendered once."""
    return {name: cases(load_battery(name)) for name in content.list_batteries()}


def levels(rendered, *names):
    return Counter(tuple(case.condition.levels.get(name, "") for name in names) for case in rendered)


@pytest.mark.parametrize("name", sorted({*content.list_batteries()} - {"quickstart"}))
def test_the_user_names_the_models(name):
    battery = load_battery(name)
    assert battery.models == () and battery.description


def test_the_batteries_have_the_cells_that_they_say(rendered):
    assert {name: len(rendered[name]) for name in SIZES} == SIZES
    for name, found in rendered.items():
        assert len({case.hash for case in found}) == len(found), f"{name} has two cells that render alike"


def test_paper_is_the_published_grid(rendered):
    battery, found = load_battery("paper"), rendered["paper"]
    assert (battery.agents, battery.epochs) == (("single_turn",), 100)
    goals, threats = ("explicit", "none"), ("replacement", "restriction", "none")
    cells = {(s, g, t) for s in ("blackmail", "espionage", "lethal_alert") for g in goals for t in threats}
    assert {(c.scenario, c.condition.levels["goal_type"], c.condition.levels["threat"]) for c in found} == cells
    assert {c.condition.levels["goal_value"] for c in found} == {"national"}
    # Nothing else is set, but the private scratchpad.
    others = {name for c in found for name in c.condition.levels} - {"goal_type", "threat", "reasoning"}
    for name in others:
        assert len(levels(found, name)) == 1, name


def test_every_published_cell_is_a_case_that_ships(rendered):
    published = load_published()
    played = [case for name in ("paper", "naming", "full") for case in rendered[name]]
    for key, cell in published.cells.items():
        rate = next(rate for rate in published.rates if rate.cell == key)
        model = published.models[rate.model][0]
        packs = [case for case in played if case.scenario == cell.scenario]
        assert all(cell.label in {harm.id for harm in case.harms} for case in packs)
        if "prompt_fit" in cell.set:  # goal and adapted wording together are in no battery
            continue
        found = [published.find(model, case.scenario, cell.label, case.condition.levels) for case in packs]
        assert key in {it.cell for it in found if it}, key


def test_negative_controls_have_neither_goal_nor_threat(rendered):
    found = rendered["negative-controls"]
    assert len({case.scenario for case in found}) == 6
    for case in found:
        assert case.condition.levels.get("goal_type", "none") == "none"
        assert case.condition.levels.get("threat", "none") == "none"


def test_full_changes_one_main_factor_at_a_time(rendered):
    found = rendered["full"]
    assert len({case.scenario for case in found}) == 6
    by_scenario = Counter(case.scenario for case in found)
    assert max(by_scenario.values()) < 70, by_scenario  # around the default, not the product
