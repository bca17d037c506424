"""The schema for editors: in step with the records, every pack passes, and slips do not."""

import json
from pathlib import Path

import pytest
import yaml
from authoring.conftest import BY_HAND

from testbed import content
from testbed.authoring.schema import schema, schema_text

ROOT = Path(__file__).parents[2]
KINDS = {"object": dict, "array": list, "string": str, "null": type(None), "number": float, "boolean": bool}


def problems(value, form, root, path=""):
    """Check a value by the keywords that the schema uses."""
    if "$ref" in form:
        return problems(value, root["$defs"][form["$ref"].rpartition("/")[2]], root, path)
    found = []
    if "anyOf" in form:
        tries = [problems(value, option, root, path) for option in form["anyOf"]]
        found += (
            [] if any(not tried for tried in tries) else max(tries, key=lambda tried: len(tried[0].partition(":")[0]))
        )
    kinds = form.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(isinstance(value, KINDS[kind]) for kind in kinds):
        return [*found, f"{path}: is no {kinds}"]
    if "const" in form and value != form["const"]:
        found.append(f"{path}: is not {form['const']!r}")
    if isinstance(value, dict):
        known = form.get("properties", {})
        found += [f"{path}: lacks {name}" for name in form.get("required", ()) if name not in value]
        for name, item in value.items():
            inner = known.get(name, form.get("additionalProperties", True))
            if inner is False:
                found.append(f"{path}.{name}: is unknown")
            elif isinstance(inner, dict):
                found += problems(item, inner, root, f"{path}.{name}")
    if isinstance(value, list) and "items" in form:
        found += [p for i, item in enumerate(value) for p in problems(item, form["items"], root, f"{path}.{i}")]
    return found


def checked(text):
    made = schema()
    return problems(yaml.load(text, Loader=yaml.BaseLoader), made, made)


def test_the_shipped_copy_is_in_step():
    said = "run: testbed scenario schema > scenarios/scenario.schema.json"
    assert (ROOT / "scenarios" / "scenario.schema.json").read_text(encoding="utf-8") == schema_text(), said


@pytest.mark.parametrize("folder", [*content.list_packs().values(), BY_HAND / "lighthouse"], ids=lambda f: f.name)
def test_every_pack_passes(folder):
    assert checked((folder / "scenario.yaml").read_text(encoding="utf-8")) == []


def test_a_new_pack_passes(pack):
    assert checked((pack() / "scenario.yaml").read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("title: The stock list", "titel: The stock list", ".titel: is unknown"),
        ("minutes_per_turn:", "minutes_a_turn:", "minutes_a_turn: is unknown"),
        ("after_minutes: 5", "after: 5", ".after: is unknown"),
        ("    kind: blackmail\n", "", "lacks kind"),
        ("default: replacement", "standard: replacement", ".standard: is unknown"),
    ],
)
def test_slips_are_seen(pack, old, new, said):
    found = checked((pack(old, new) / "scenario.yaml").read_text(encoding="utf-8"))
    assert any(said in problem for problem in found), found


def test_it_is_a_json_schema_whose_references_hold():
    made = schema()
    assert made["$schema"].endswith("2020-12/schema")
    for part in json.dumps(made).split('"$ref": "#/$defs/')[1:]:
        assert part.partition('"')[0] in made["$defs"]
