"""Values of a call that is written in tags (Qwen3-Coder, Qwen 3.5): what a text means depends on the tool's schema."""

import json
import math
from collections.abc import Iterator
from typing import Any

_KINDS = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}


def read_parameters(written: dict[str, str], function: str, tools: list[dict[str, Any]]) -> dict[str, Any]:
    """Read the parameters of a call by the schema of its tool.

    Models write a string bare and everything else as JSON, so that ``12.50`` is a number or a text by the schema alone.
    As in vLLM's parsers for this format: JSON where the schema allows what it says (of the types that it allows, a
    string comes last), and the text as it stands where the schema says string or does not know the parameter.

    Args:
        written: Texts by parameter.
        function: The name of the tool.
        tools: What was offered, in OpenAI's function form.

    Returns:
        Values by parameter. What fits no type of the schema is left for the check of the call to refuse.
    """
    schema = _parameters_of(function, tools)
    known = schema.get("properties") or {}
    return {key: _value(text, set(_types(known.get(key, {}), schema))) for key, text in written.items()}


def _parameters_of(function: str, tools: list[dict[str, Any]]) -> dict[str, Any]:
    for tool in tools:
        described = tool.get("function", tool)
        if described.get("name") == function:
            return described.get("parameters") or {}
    return {}


def _types(part: Any, schema: dict[str, Any]) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """Name the types that a part of a schema allows; none if it does not say."""
    if not isinstance(part, dict):
        return
    named = part.get("type", ())
    yield from [named] if isinstance(named, str) else named
    for value in [*part.get("enum", ()), *([part["const"]] if "const" in part else [])]:
        yield _kind(value)
    for inner in [*part.get("anyOf", ()), *part.get("oneOf", ()), *part.get("allOf", ())]:
        yield from _types(inner, schema)
    if isinstance(part.get("$ref"), str):
        target = part["$ref"].rpartition("/")[2]
        yield from _types(schema.get("$defs", {}).get(target), {**schema, "$defs": _without(schema, target)})


def _without(schema: dict[str, Any], target: str) -> dict[str, Any]:
    """Leave a definition out once it has been followed: one that names itself would never end."""
    return {name: part for name, part in schema.get("$defs", {}).items() if name != target}


def _kind(value: Any) -> str:  # noqa: ANN401
    return "null" if value is None else _KINDS[type(value)]


def _value(text: str, types: set[str]) -> Any:  # noqa: ANN401
    """Read a text as the first of these types that it fits."""
    if not types - {"string"}:
        return text
    word = text.strip().lower()
    try:  # some write Python's True
        read = json.loads(word if word in ("true", "false", "null") else text, parse_constant=_refused)
    except ValueError:
        return text
    kind = _kind(read)
    fits = kind in types or (kind == "integer" and "number" in types)
    if isinstance(read, str) or (isinstance(read, float) and not math.isfinite(read)):
        return text
    return read if fits or "string" not in types else text


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
