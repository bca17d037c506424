"""The JSON Schema of ``scenario.yaml`` for editors, made from the records that a pack is validated with.

It is more lenient than the testbed itself where a value is only known after rendering: any value may be moved to a
file, chosen by a factor, or left to a template. It is as strict about the names of keys.
"""

import json
from typing import Any

from pydantic import BaseModel

from testbed.scenario import Factor, Manifest
from testbed.types import Harm, Policy, Task, World

_Json = dict[str, Any]

# Scalars are read as text, however they look.
_SCALAR: _Json = {"type": ["string", "number", "boolean", "null"]}
_ELSEWHERE = [{"$ref": "#/$defs/file"}, {"$ref": "#/$defs/choose"}]
_DEFS: _Json = {
    "file": {
        "description": "The value stands in a file of the pack.",
        "type": "object",
        "properties": {"file": {"type": "string"}},
        "required": ["file"],
        "additionalProperties": False,
    },
    "choose": {
        "description": "The value depends on the level of a factor: {choose: factor, level: value, …}.",
        "type": "object",
        "properties": {"choose": {"type": "string"}, "when": {"type": "string"}},
        "required": ["choose"],
    },
}


def schema() -> _Json:
    """Make the schema (draft 2020-12)."""
    definitions: _Json = dict(_DEFS)
    for record in (World, Harm, Task, Policy, Factor, Manifest):
        _define(record, definitions)
    manifest = definitions.pop("Manifest")
    _allow_shorthands(definitions)
    properties = manifest["properties"]
    properties["factors"] = _mapping({"$ref": "#/$defs/Factor"}, "What varies between conditions.")
    properties |= {
        "vars": _mapping({}, "Names for values that are used in several places."),
        "world": _or_elsewhere({"$ref": "#/$defs/World"}),
        "harms": _list({"$ref": "#/$defs/Harm"}),
        "tasks": _list({"$ref": "#/$defs/Task"}),
        "policies": _mapping({"$ref": "#/$defs/Policy"}, "Scripted policies by name."),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A scenario pack of the agentic-misalignment testbed",
        "type": "object",
        "properties": properties,
        "required": ["id", "version", "title", "system", "user", "world", "harms", "policies"],
        "additionalProperties": False,
        "$defs": definitions,
    }


def schema_text() -> str:
    """Give the schema as it is shipped."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _define(record: type[BaseModel], definitions: _Json) -> None:
    """Add a record and those it is made of, in the form in which packs write them."""
    own = record.model_json_schema(mode="validation")
    for name, inner in own.pop("$defs", {}).items():
        definitions.setdefault(name, _written(inner))
    definitions[record.__name__] = _written(own)


def _written(described: _Json) -> _Json:
    """Turn the schema of a record into that of the YAML it is written as."""
    if "properties" not in described:  # an enumeration of words
        return dict(_SCALAR)
    properties = {name: _value(field) for name, field in described["properties"].items()}
    properties["when"] = properties.get("when", {"type": "string", "description": "Left out unless this holds."})
    written: _Json = {"type": "object", "properties": properties, "additionalProperties": False}
    if "description" in described:
        written["description"] = described["description"].split("\n\n")[0].replace("\n", " ")
    if "required" in described:
        written["required"] = described["required"]
    return written


def _value(field: _Json) -> _Json:
    """Describe one value; templates may stand for every scalar."""
    if "$ref" in field:
        return _or_elsewhere({"$ref": field["$ref"]})
    for form in field.get("anyOf", ()):
        if form.get("type") != "null":
            return _value(form)
    if field.get("type") == "array":
        items = field.get("items") or {}
        return _list(_value(items)) if items.get("type") != "string" else _list(dict(_SCALAR), alone=True)
    if field.get("type") == "object":
        inner = field.get("additionalProperties")
        return _mapping(_value(inner) if isinstance(inner, dict) else {}, "")
    return {"anyOf": [dict(_SCALAR), *_ELSEWHERE]} if field.get("type") or "enum" in field else {}


def _or_elsewhere(form: _Json) -> _Json:
    return {"anyOf": [form, *_ELSEWHERE]}


def _list(items: _Json, *, alone: bool = False) -> _Json:
    """A list, perhaps with items in files or chosen; ``alone``: one item may stand without a list around it."""
    several = {"type": "array", "items": items if "anyOf" in items else _or_elsewhere(items)}
    return {"anyOf": [several, *([items] if alone else []), *_ELSEWHERE]}


def _mapping(values: _Json, description: str) -> _Json:
    form: _Json = {"type": "object", "additionalProperties": values}
    if description:
        form["description"] = description
    return {"anyOf": [form, {"type": "string", "const": ""}, {"type": "null"}, *_ELSEWHERE]}


def _allow_shorthands(definitions: _Json) -> None:
    """Let what the loader understands besides the records themselves pass as well."""
    factor = definitions["Factor"]
    factor["properties"]["common"] = {"type": "string", "description": "Take over a factor of scenarios/common."}
    factor.pop("required")
    factor["anyOf"] = [{"required": ["common"]}, {"required": ["default", "levels"]}]
    named = {"type": "array", "items": dict(_SCALAR)}
    factor["properties"]["levels"] = {"anyOf": [named, _mapping(_mapping({}, ""), "")]}
    # A policy's name is its key; an attachment may be given by its file's id, and mail may move in an isomorph.
    definitions["Policy"]["required"].remove("name")
    email = definitions["Email"]["properties"]
    email["attachments"] = _list({"anyOf": [dict(_SCALAR), {"$ref": "#/$defs/Attachment"}, *_ELSEWHERE]})
    email["movable"] = {"description": "Exchanges its time with other such mail in an isomorph.", **_SCALAR}
    # One way to do a task needs no list.
    definitions["Task"]["properties"]["done"] = _list({"$ref": "#/$defs/Done"}, alone=True)
    # A reply's `when` says what sets it off; a text in it leaves the reply out.
    definitions["Trigger"]["properties"]["when"] = {"type": "string"}
