"""Broken packs: each is refused in one sentence that names file, line and what is wrong."""

import os

import pytest

from testbed.errors import PackError
from testbed.scenario import expand, load_pack, render


def refusal(folder):
    """The message with which a pack is refused, on loading or in any condition."""
    with pytest.raises(PackError) as caught:
        scenario = load_pack(folder)
        for condition in expand(scenario, {name: ["all"] for name in scenario.manifest.factors}):
            render(scenario, condition)
    return str(caught.value)


def place(folder, needle, file="scenario.yaml"):
    """``shop/file:line`` of the line that holds a text."""
    lines = (folder / file).read_text(encoding="utf-8").splitlines()
    found = [number for number, line in enumerate(lines, 1) if needle in line]
    assert len(found) == 1, (needle, found)
    return f"shop/{file}:{found[0]}: "


def test_the_unbroken_pack_renders(write_pack):
    scenario = load_pack(write_pack())
    conditions = expand(scenario, {"mood": ["all"], "place": ["all"]})
    assert len({render(scenario, condition).hash for condition in conditions}) == 6


# --- templates -----------------------------------------------------------------------------------------------------


def test_undefined_name_in_a_plain_text(write_pack):
    folder = write_pack("subject: Eggs", 'subject: "For {{ bos }}"')
    message = refusal(folder)
    assert message.startswith(place(folder, "{{ bos }}") + "'bos' is undefined.")
    assert "Known names: boss, level, mood, owner, place." in message


def test_undefined_name_in_the_third_line_of_a_block(write_pack):
    folder = write_pack("Mood {{ mood }}.", "Mood {{ mod }}.")
    assert refusal(folder).startswith(place(folder, "{{ mod }}") + "'mod' is undefined.")


def test_undefined_name_in_a_file_of_the_pack(write_pack):
    folder = write_pack("user: Begin.", "user: {file: user.md}", {"user.md": "One\nTwo\nThree {{ nobody }}\n"})
    assert refusal(folder).startswith("shop/user.md:3: 'nobody' is undefined.")


def test_undefined_name_in_an_included_template(write_pack):
    included = {"parts/body.j2": "One\n\nThree {{ nobody }}\n"}
    folder = write_pack("body: Buy eggs.", "body: \"{% include 'parts/body.j2' %}\"", included)
    assert refusal(folder).startswith("shop/parts/body.j2:3: 'nobody' is undefined.")


def test_undefined_name_in_an_imported_macro(write_pack):
    macro = {"m.j2": "{% macro greet() %}\nHello {{ nobody }}\n{% endmacro %}\n"}
    folder = write_pack("body: Buy eggs.", "body: \"{% import 'm.j2' as m %}{{ m.greet() }}\"", macro)
    assert refusal(folder).startswith("shop/m.j2:2: 'nobody' is undefined.")


def test_undefined_name_only_under_one_condition(write_pack):
    folder = write_pack("subject: Eggs", "subject: \"{% if mood == 'on' %}{{ nobody }}{% endif %}\"")
    scenario = load_pack(folder)
    assert render(scenario, scenario.default_condition()).world.emails[0].subject == ""
    assert "'nobody' is undefined." in refusal(folder)


def test_value_that_only_another_level_carries(write_pack):
    folder = write_pack("subject: Eggs", 'subject: "{{ level.place.colour }}"')
    message = refusal(folder)
    assert message.startswith(place(folder, "colour"))
    assert "has no attribute 'colour'" in message


def test_undefined_name_in_when(write_pack):
    folder = write_pack("{when: mood == 'on', id: desk,", "{when: mood == lively, id: desk,")
    assert refusal(folder).startswith(place(folder, "lively") + "'lively' is undefined.")


@pytest.mark.parametrize("broken", ["{% if %}", "{{ mood }", "{% endif %}", "{{ mood | nofilter }}", "{% for x in %}"])
def test_syntax_error(write_pack, broken):
    folder = write_pack("  You keep {{ level.place.items }} lists.", f"  You keep {broken}")
    assert refusal(folder).startswith(place(folder, "You keep") + "broken template: ")


def test_syntax_error_in_an_included_template(write_pack):
    folder = write_pack("body: Buy eggs.", "body: \"{% include 'b.j2' %}\"", {"b.j2": "One\nTwo {% if %}\n"})
    assert refusal(folder).startswith("shop/b.j2:2: broken template: ")


@pytest.mark.parametrize(
    "attack",
    [
        "{{ ''.__class__ }}",
        "{{ boss.__class__.__mro__ }}",
        "{{ mood['__class__'] }}",
        "{{ level.place.__init__.__globals__ }}",
        "{{ cycler.__init__.__globals__.os }}",
        "{{ '{0.__class__}'.format(boss) }}",
        "{{ ''|attr('__class__') }}",
        "{{ level.update({'mood': 1}) }}",
    ],
)
def test_the_sandbox_refuses_attribute_walks(write_pack, attack):
    folder = write_pack("subject: Eggs", f'subject: "{attack}"')
    message = refusal(folder)
    assert message.startswith(place(folder, 'subject: "{{'))
    assert "the sandbox refuses this" in message
    assert "<class" not in message


@pytest.mark.parametrize("chance", ["{{ [1, 2] | random }}", "{{ lipsum() }}"])
def test_nothing_random_can_be_rendered(write_pack, chance):
    folder = write_pack("subject: Eggs", f'subject: "{chance}"')
    assert refusal(folder).startswith(place(folder, 'subject: "{{'))


def test_a_filter_that_does_not_fit_its_value(write_pack):
    folder = write_pack("subject: Eggs", 'subject: "{{ boss / 2 }}"')
    assert refusal(folder).startswith(place(folder, "boss / 2") + "the template fails: unsupported operand")


def test_a_template_that_includes_itself(write_pack):
    folder = write_pack("body: Buy eggs.", "body: \"{% include 'b.j2' %}\"", {"b.j2": "{% include 'b.j2' %}"})
    assert "includes or calls itself without end" in refusal(folder)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../secret.j2", "lies outside the pack"),
        ("/etc/hostname", "lies outside the pack"),
        ("link.j2", "lies outside the pack"),
        ("nowhere.j2", "the pack has no file 'nowhere.j2'"),
        ("scenario.yaml", "only files that end in .j2"),
    ],
)
def test_includes_stay_in_the_pack(write_pack, tmp_path, name, said):
    (tmp_path / "secret.j2").write_text("secret")
    folder = write_pack("body: Buy eggs.", f"body: \"{{% include '{name}' %}}\"")
    os.symlink(tmp_path / "secret.j2", folder / "link.j2")
    message = refusal(folder)
    assert message.startswith(place(folder, "% include"))
    assert said in message


def test_a_var_cannot_see_a_levels_unrendered_text(write_pack):
    # `word` of the level `farm` is a template and is rendered after the vars: a var must not carry its raw text on.
    folder = write_pack("  owner: Wilma\n", "  owner: Wilma\n  there: at {{ level.place.word }}\n")
    assert refusal(folder).startswith(place(folder, "there: at"))


# --- YAML ----------------------------------------------------------------------------------------------------------


def test_no_yaml(write_pack):
    folder = write_pack("title: The shop", "title: [The shop")
    assert "shop/scenario.yaml:" in refusal(folder)
    assert "is not valid YAML" in refusal(folder)


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.getcwd []", "!ours x", "!!binary aGk=", "!!set {a, b}"])
def test_yaml_tags(write_pack, tag):
    folder = write_pack("title: The shop", f"title: {tag}")
    assert refusal(folder).startswith(place(folder, tag) + f"YAML tags such as {tag.split()[0][:4]}")


def test_doubled_key(write_pack):
    folder = write_pack("      subject: Eggs\n", "      subject: Eggs\n      subject: Milk\n")
    assert refusal(folder) == place(folder, "subject: Milk") + "the key 'subject' is given twice."


def test_merge_keys_and_keys_that_are_no_text(write_pack):
    folder = write_pack("  owner: Wilma\n", "  ? [a]\n  : b\n")
    assert "keys must be plain text" in refusal(folder)
    folder = write_pack("  owner: Wilma\n", "  <<: {a: b}\n")
    assert refusal(folder).startswith(place(folder, "<<") + "keys must be plain text")


def test_an_anchor_within_itself(write_pack):
    folder = write_pack("  owner: Wilma\n", "  owner: &a [*a]\n")
    assert "an anchor refers to itself" in refusal(folder)


def test_missing_pack_and_file_that_is_no_text(write_pack, tmp_path):
    with pytest.raises(PackError, match=r"nothing/scenario.yaml: cannot be read \(No such file"):
        load_pack(tmp_path / "nothing")
    folder = write_pack("user: Begin.", "user: {file: user.md}")
    (folder / "user.md").write_bytes(b"\xff\xfe")
    assert refusal(folder).startswith("shop/user.md: is not UTF-8 text")
    (folder / "scenario.yaml").write_bytes(b"\xff\xfe")
    assert refusal(folder).startswith("shop/scenario.yaml: is not UTF-8 text")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../other.md", "the file '../other.md' lies outside the pack."),
        ("/etc/hostname", "the file '/etc/hostname' lies outside the pack."),
        ("link.md", "the file 'link.md' lies outside the pack."),
        ("nowhere.md", "the pack has no file 'nowhere.md'."),
        ("[a]", "file: must be the name of a file in the pack."),
    ],
)
def test_file_references(write_pack, tmp_path, name, said):
    (tmp_path / "other.md").write_text("other")
    folder = write_pack("user: Begin.", f"user: {{file: {name}}}")
    os.symlink(tmp_path / "other.md", folder / "link.md")
    assert refusal(folder) == place(folder, "user: {") + said


def test_a_yaml_file_that_includes_itself(write_pack):
    folder = write_pack("vars:\n  owner: Wilma\n", "vars:\n  more: {file: a.yaml}\n", {"a.yaml": "b: {file: a.yaml}\n"})
    assert refusal(folder) == "shop/a.yaml:1: the file 'a.yaml' includes itself."


def test_an_error_in_a_yaml_part_is_placed_in_that_part(write_pack):
    mails = "- id: m1\n  sender: a@shop.example\n  to: b@shop.example\n  sent_at: 2026-13-02\n  subject: S\n  body: B\n"
    old = (
        '  emails:\n    - id: m1\n      sender: "{{ boss }}"\n      to: helper@shop.example\n'
        "      sent_at: 2026-03-02 08:00\n      subject: Eggs\n      body: Buy eggs.\n      attachments: [f1]\n"
    )
    folder = write_pack(old, "  emails: {file: mail/first.yaml}\n", {"mail/first.yaml": mails})
    assert refusal(folder).startswith("shop/mail/first.yaml:4: world.emails.0.sent_at: ")


# --- fields --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "said", "at"),
    [
        ("title: The shop", "titel: The shop", "titel: is no key that is known here.", ""),
        ("subject: Eggs", "subjekt: Eggs", "world.emails.0.subjekt: is no key that is known here.", ""),
        ("domain: shop.example", "domian: shop.example", "world.domian: is no key that is known here.", ""),
        ("title: Harm", "titel: Harm", "harms.0.titel: is no key that is known here.", ""),
        ("{say: Good.}", "{sya: Good.}", "policies.good.steps.0.sya: is no key that is known here.", ""),
        (
            "sent_at: 2026-03-02 08:00",
            "sent_at: 2026-02-30 08:00",
            "world.emails.0.sent_at: Input should be a valid",
            "",
        ),
        ("now: 2026-03-02 09:00", "now: this morning", "world.now: Input should be a valid", ""),
        ("confidentiality: internal", "confidentiality: hush", "world.files.0.confidentiality: Input should be", ""),
        ("expect: {harm: false}", "expect: {}", "policies.good.expect: says nothing of the harm harm.", ""),
        ("expect: {harm: false}", "expect: {harm: false, x: true}", "policies.good.expect: there is no harm x.", ""),
        (
            "expect: {harm: true}",
            "expect: {harm: false}",
            "harms.0.policy: the policy 'bad' expects itself not to do",
            "policy: bad",
        ),
        ("steps: [{say: Good.}]", "steps: []", "policies.good.steps: has no step.", ""),
        ("policy: bad", "policy: worse", "harms.0.policy: there is no policy 'worse'.", ""),
        (
            'targets: ["{{ boss }}"]',
            "targets: [w@shop.example]",
            "harms.0.targets: 'w@shop.example' is the address",
            "",
        ),
        ("attachments: [f1]", "attachments: [f2]", "attachments: the world has no file 'f2'.", ""),
        ("attachments: [f1]", "in_reply_to: m0", "world.emails.0.in_reply_to: there is no e-mail 'm0'.", ""),
        ("id: f1", "id: m1", "attachments: the world has no file 'f1'.", "attachments: [f1]"),
        (
            "{when: mood == 'on', channel: desk}",
            "{channel: desk}",
            "world.replies.0.when.channel: there is no channel",
            "",
        ),
        (
            "{when: mood == 'on', channel: desk}",
            "{}",
            "world.replies.0.when: needs at least one of to, channel",
            "when: {}",
        ),
        ("default: town", "default: city", "factors.place.default: 'city' is none of its levels: town, farm.", ""),
        ("levels: [none, no, on]", "levels: [none, all]", "factors.mood.levels: 'all' is no usable level name.", ""),
        ("  owner: Wilma", "  level: Wilma", "vars.level: is no usable name.", ""),
        ("  owner: Wilma", "  own-er: Wilma", "vars.own-er: is no usable name.", ""),
        ("  mood:\n", "  owner:\n", "factors.owner: is no usable name", ""),
        ("id: shop", "id: shed", "id is 'shed', but the folder is 'shop'.", ""),
    ],
)
def test_a_wrong_field_is_named_with_its_line(write_pack, old, new, said, at):
    folder = write_pack(old, new)
    (message,) = [line for line in refusal(folder).splitlines() if said in line]
    start, line, _ = message.split(":", 2)
    assert start == "shop/scenario.yaml"
    lines = (folder / "scenario.yaml").read_text().splitlines()
    changed = at or new.strip()
    mark = next(number for number, text in enumerate(lines, 1) if changed in text)
    # The value of a key may begin on the line after it.
    assert int(line) in (mark, mark + 1), message


def test_several_wrong_fields_are_told_at_once(write_pack):
    folder = write_pack("      subject: Eggs\n      body: Buy eggs.\n", "      subjekt: Eggs\n")
    message = refusal(folder)
    mail = place(folder, "- id: m1").rstrip()
    assert f"{mail} world.emails.0.subject: is missing." in message.splitlines()
    assert f"{mail} world.emails.0.body: is missing." in message.splitlines()


def test_doubled_ids(write_pack):
    mail = "    - {id: m1, sender: a@shop.example, to: b@shop.example, sent_at: 2026-03-02, subject: S, body: B}\n"
    folder = write_pack("  replies:\n", f"{mail}  replies:\n")
    assert refusal(folder) == place(folder, "{id: m1,") + "world.emails.1: 'm1' is used more than once."
    person = "    - {name: Double, email: WILMA@shop.example, role: Owner, organisation: Shop}\n"
    folder = write_pack("  channels:\n", f"{person}  channels:\n")
    assert "world.people.1: 'wilma@shop.example' is used more than once." in refusal(folder)


# --- whole sections ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("section", ["system", "user", "world", "harms", "policies"])
def test_a_section_that_is_missing_or_empty(write_pack, section):
    folder = write_pack()
    text = (folder / "scenario.yaml").read_text()
    start = text.index(f"\n{section}:") + 1
    end = next((i for i in range(start, len(text)) if text[i] == "\n" and text[i + 1 : i + 2].isalpha()), len(text))
    (folder / "scenario.yaml").write_text(text[:start] + text[end + 1 :])
    assert refusal(folder) == f"shop/scenario.yaml:1: the section '{section}' is missing."
    (folder / "scenario.yaml").write_text(text[:start] + f"{section}:\n" + text[end + 1 :])
    assert refusal(folder) == place(folder, f"{section}:") + f"the section '{section}' is empty."


@pytest.mark.parametrize("section", ["world", "policies"])
def test_a_section_cannot_be_left_out_by_a_condition(write_pack, section):
    folder = write_pack(f"\n{section}:\n", f"\n{section}:\n  when: mood == 'never'\n")
    assert f"the section '{section}' is left out by its own 'when'" in refusal(folder)


@pytest.mark.parametrize(("section", "said"), [("world", "must be a mapping"), ("policies", "must be a mapping")])
def test_a_section_of_the_wrong_kind(write_pack, section, said):
    folder = write_pack()
    text = (folder / "scenario.yaml").read_text()
    start = text.index(f"\n{section}:") + 1
    end = next((i for i in range(start, len(text)) if text[i] == "\n" and text[i + 1 : i + 2].isalpha()), len(text))
    (folder / "scenario.yaml").write_text(text[:start] + f"{section}: [a, b]\n" + text[end + 1 :])
    message = refusal(folder)
    assert f"{section}: {said}" in message
    assert message.startswith("shop/scenario.yaml:")


def test_vars_must_be_a_mapping(write_pack):
    folder = write_pack("vars:\n  owner: Wilma\n  boss: wilma@shop.example\n", "vars: [a]\n")
    assert refusal(folder) == place(folder, "vars: [a]") + "vars: must be a mapping of names to values."


def test_a_prompt_that_is_empty_under_one_condition(write_pack):
    folder = write_pack("user: Begin.", "user: \"{% if mood != 'on' %}Begin.{% endif %}\"")
    assert refusal(folder) == place(folder, "user: ") + "user: is empty under this condition."


def test_a_file_that_is_empty(write_pack):
    folder = write_pack("user: Begin.", "user: {file: user.md}", {"user.md": "\n"})
    assert refusal(folder) == "shop/user.md:1: the section 'user' is empty."
    folder = write_pack("title: The shop", "title: {file: title.yaml}", {"title.yaml": ""})
    assert refusal(folder) == "shop/title.yaml:1: is empty."
