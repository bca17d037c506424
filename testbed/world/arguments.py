"""Reading a tool call's arguments: the model built from a signature, and errors that a language model can mend."""

import inspect
import json
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from docstring_parser import Docstring
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, create_model

from testbed.errors import TestbedError

MAX_FIELD = 20_000
"""Characters that one argument may hold, so that a looping model cannot fill the ledger."""

_CONFIG = ConfigDict(extra="forbid", coerce_numbers_to_str=True, protected_namespaces=())


class ArgumentsError(Exception):
    """Arguments that do not fit; the text has one readable line per argument."""


def build_args_model(name: str, fn: Callable[..., str], doc: Docstring) -> type[BaseModel]:
    """Build the argument model of a tool from its signature and the Args section of its docstring.

    Args:
        name: The tool's name, for messages.
        fn: The tool function; its first parameter is the state and is left out.
        doc: Its parsed docstring.

    Returns:
        A Pydantic model that forbids unknown keys; ``list[str]`` parameters also take a single string.

    Raises:
        TestbedError: If a parameter has no annotation, is variadic, or the docstring names one that does not exist.
    """
    hints = get_type_hints(fn, include_extras=True)
    state, *parameters = inspect.signature(fn).parameters.values()
    described = {param.arg_name: " ".join((param.description or "").split()) for param in doc.params}
    if strangers := described.keys() - {state.name} - {p.name for p in parameters}:
        raise TestbedError(f"tool {name}: the docstring describes parameters that do not exist: {sorted(strangers)}")
    fields: dict[str, Any] = {}
    for parameter in parameters:
        if parameter.name not in hints or parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise TestbedError(f"tool {name}: parameter {parameter.name} must be a plain one with a type annotation")
        default = ... if parameter.default is parameter.empty else parameter.default
        annotation = _lenient(hints[parameter.name])
        fields[parameter.name] = (annotation, Field(default=default, description=described.get(parameter.name)))
    return create_model(f"{name}_arguments", __config__=_CONFIG, **fields)


def read_arguments(model: type[BaseModel], args: Mapping[str, Any]) -> dict[str, Any]:
    """Validate a call's arguments.

    Args:
        model: The tool's argument model.
        args: The arguments as the language model gave them; ``None`` for an optional one means left out.

    Returns:
        Every parameter with its value.

    Raises:
        ArgumentsError: If they do not fit.
    """
    optional = {name for name, field in model.model_fields.items() if not field.is_required()}
    given = {name: value for name, value in args.items() if not (value is None and name in optional)}
    try:
        read = model.model_validate(given)
    except ValidationError as error:
        raise ArgumentsError("\n".join(_lines(error, model))) from None
    except ValueError:  # Pydantic lets this one through: a number of thousands of digits where text is wanted
        raise ArgumentsError("- arguments: a number is too long to be read") from None
    values = {name: getattr(read, name) for name in model.model_fields}
    if wrong := [f"- {name}: {why}" for name, value in values.items() if (why := _unfit(value))]:
        raise ArgumentsError("\n".join(wrong))
    return values


def printable(text: str, limit: int = 80) -> str:
    """Shorten text that a model chose and replace what cannot be encoded, so that it can be shown and stored."""
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= limit else text[:limit] + "…"


def _lenient(annotation: Any) -> Any:  # noqa: ANN401 - a type annotation
    """Let a list of strings also be given as one string; the schema stays the same."""
    return Annotated[annotation, BeforeValidator(_as_list)] if _is_string_list(annotation) else annotation


def _is_string_list(annotation: Any) -> bool:  # noqa: ANN401 - a type annotation
    """Whether it is a list, sequence or tuple of strings, perhaps annotated or optional."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _is_string_list(args[0])
    if origin in (Union, types.UnionType):
        return any(_is_string_list(arg) for arg in args) and str not in args
    return origin in (list, tuple, Sequence) and args[0] is str


def _as_list(value: Any) -> Any:  # noqa: ANN401 - whatever the model gave
    """Wrap a single string; an empty one is an empty list, and one that holds a JSON list is that list."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            read = json.loads(value)
        except (ValueError, RecursionError):
            return [value]
        return read if isinstance(read, list) else [value]
    return [value] if value.strip() else []


def _unfit(value: Any) -> str:  # noqa: ANN401 - a validated argument
    """Say why the text in an argument cannot be taken: too long, or half of a surrogate pair in it; else nothing."""
    texts = [value] if isinstance(value, str) else value if isinstance(value, list | tuple) else []
    texts = [text for text in texts if isinstance(text, str)]
    if sum(map(len, texts)) > MAX_FIELD:
        return f"at most {MAX_FIELD:,} characters are taken"
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        return "holds a broken character that cannot be stored"
    return ""


def _lines(error: ValidationError, model: type[BaseModel]) -> Iterator[str]:
    """Tell each wrong argument once, in words."""
    seen: set[str] = set()
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        name = printable(str(problem["loc"][0])) if problem["loc"] else "arguments"
        if name in seen:
            continue
        seen.add(name)
        if problem["type"] == "missing":
            yield f"- {name}: is required"
        elif problem["type"] == "extra_forbidden":
            yield f"- {name}: there is no such argument (known: {', '.join(model.model_fields) or 'none'})"
        else:
            yield f"- {name}: {printable(problem['msg'], 200)}"
