"""Conditions, levels, and what rendering keeps as it is written."""

import pickle
from pathlib import Path

import pytest

from testbed.errors import TestbedError
from testbed.scenario import expand, load_pack, parse_settings, render
from testbed.types import Condition


def test_levels_called_none_no_and_on_stay_text(write_pack):
    scenario = load_pack(write_pack())
    assert list(scenario.manifest.factors["mood"].levels) == ["none", "no", "on"]
    prompts = [render(scenario, c).system.splitlines()[-1] for c in expand(scenario, {"mood": ["all"]})]
    assert prompts == ["Mood none.", "Mood no.", "Mood on."]


def test_levels_carry_values_which_may_use_vars_and_hide_pythons_methods(write_pack):
    scenario = load_pack(write_pack())
    town, farm = (render(scenario, c).system.splitlines() for c in expand(scenario, {"place": ["all"]}))
    assert town[:2] == ["You work in Ostby.", "You keep three lists."]
    assert farm[:2] == ["You work in the farm of Wilma.", "You keep four lists."]


def test_when_on_a_list_item_and_inside_a_replys_own_when(write_pack):
    scenario = load_pack(write_pack())
    off, on = (render(scenario, c).world for c in expand(scenario, {"mood": ["none", "on"]}))
    assert (len(off.channels), len(off.replies)) == (0, 0)
    assert [reply.when.channel for reply in on.replies] == [on.channels[0].id]


def test_an_attachment_carries_its_files_name_and_mark(write_pack):
    scenario = load_pack(write_pack())
    (attached,) = render(scenario, scenario.default_condition()).world.emails[0].attachments
    assert (attached.file_id, attached.name, attached.confidentiality) == ("f1", "list.txt", "internal")


@pytest.mark.parametrize("line", ["of text", "of {{ owner }}"])
def test_the_end_of_a_block_does_not_hang_on_its_being_a_template(write_pack, line):
    scenario = load_pack(write_pack("body: Buy eggs.", f"body: |\n        Two lines\n        {line}"))
    assert render(scenario, scenario.default_condition()).world.emails[0].body.endswith(("text\n", "Wilma\n"))


def test_a_var_that_is_left_out_is_undefined(write_pack):
    folder = write_pack("  owner: Wilma\n", "  owner: Wilma\n  extra: {when: mood == 'on', word: x}\n")
    text = (folder / "scenario.yaml").read_text()
    shown = "{{ extra.word if extra is defined else 'nothing' }}"
    (folder / "scenario.yaml").write_text(text.replace("user: Begin.", f'user: "{shown}"'))
    scenario = load_pack(folder)
    users = [render(scenario, c).user for c in expand(scenario, {"mood": ["none", "on"]})]
    assert users == ["nothing", "x"]


def test_rendering_twice_gives_the_same_bytes(write_pack):
    folder = write_pack()
    first, second = load_pack(folder), load_pack(folder)
    for condition in expand(first, {"mood": ["all"], "place": ["all"]}):
        cases = [render(first, condition), render(first, condition), render(second, condition)]
        assert len({case.model_dump_json() for case in cases}) == 1


def test_the_packs_hash_covers_every_file_it_uses(write_pack):
    files = {"user.md": "Begin.\n", "part.j2": "eggs"}
    hashes = {load_pack(write_pack("user: Begin.", "user: {file: user.md}", files)).hash}
    hashes.add(load_pack(write_pack("user: Begin.", "user: {file: user.md}", {"part.j2": "milk"})).hash)
    hashes.add(load_pack(write_pack("user: Begin.", "user: {file: user.md}", {"user.md": "Go.\n"})).hash)
    assert len(hashes) == 3


def test_the_hash_of_a_case_is_of_what_the_agent_meets(write_pack):
    plain = load_pack(write_pack())
    graded = load_pack(write_pack("rubric: It is harm.", "rubric: It is great harm."))
    first, second = (render(s, s.default_condition()) for s in (plain, graded))
    assert first.hash == second.hash
    assert first.grading_hash() != second.grading_hash()
    assert first.scenario_hash != second.scenario_hash


def test_a_pack_is_found_from_within_its_folder(write_pack, monkeypatch):
    monkeypatch.chdir(write_pack())
    assert load_pack(Path(".")).id == "shop"


def test_settings():
    assert parse_settings(["a=x,y", "b=z", "a=w"]) == {"a": ["x", "y", "w"], "b": ["z"]}
    for wrong in ("a", "a=", "=x", "a=,"):
        with pytest.raises(TestbedError, match="write factor=level"):
            parse_settings([wrong])


def test_expansion_is_the_product_in_the_packs_order_without_doubles(write_pack):
    scenario = load_pack(write_pack())
    keys = [c.key for c in expand(scenario, {"place": ["farm", "town", "farm"], "mood": ["on"]})]
    assert keys == ["mood=on place=farm", "mood=on place=town"]
    assert [c.key for c in expand(scenario, {})] == ["mood=none place=town"]
    assert len(expand(scenario, {"mood": ["all"], "place": ["all"]})) == 6


def test_unknown_factor_and_level(write_pack):
    scenario = load_pack(write_pack())
    with pytest.raises(TestbedError, match="'shop' has no factor 'weather'. Its factors: mood, place."):
        expand(scenario, {"weather": ["rain"]})
    with pytest.raises(TestbedError, match="Factor 'mood' of 'shop' has no level 'off'. Its levels: none, no, on."):
        expand(scenario, {"mood": ["off"]})


@pytest.mark.parametrize(
    "levels",
    [{"mood": "on"}, {"mood": "on", "place": "town", "more": "x"}, {"mood": "sad", "place": "town"}],
)
def test_a_condition_of_another_pack_is_refused(write_pack, levels):
    with pytest.raises(TestbedError, match="is none of 'shop'"):
        render(load_pack(write_pack()), Condition(levels=levels))


def test_a_case_holds_ordinary_values_only(write_pack):
    # Marked trees in a record's free fields can be neither copied nor sent to another process.
    steps = "steps: [{calls: [{tool: send_email, args: {to: [w@shop.example], more: {a: b}}}]}]"
    scenario = load_pack(write_pack("steps: [{say: Good.}]", steps))
    case = render(scenario, scenario.default_condition())
    args = case.policies["good"].steps[0].calls[0].args
    assert (type(args["to"]), type(args["more"])) == (list, dict)
    assert pickle.loads(pickle.dumps(case)) == case
