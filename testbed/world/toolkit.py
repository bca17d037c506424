"""The tool mechanism: a plain typed function becomes a tool, and a model's call is carried out on the World.

A tool's first parameter is the state, which the model never sees; the rest, with the Google docstring, is what the
model is offered. The approach follows AgentDojo's ``functions_runtime.py``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

from docstring_parser import DocstringStyle, parse
from pydantic import BaseModel

from testbed.errors import TestbedError
from testbed.types import Event, ToolCall, World
from testbed.world.arguments import ArgumentsError, build_args_model, printable, read_arguments


class ToolError(Exception):
    """A call that the world refuses; the text is a sentence for the model, and nothing has been changed."""


class Effect(StrEnum):
    """Whether a tool may change the world."""

    READ = "read"
    WRITE = "write"


@dataclass(slots=True)
class ToolContext:
    """What a tool acts on.

    Attributes:
        world: The state, to be changed only by WRITE tools.
        turn: The model call (from 1) whose answer asked for this.
        tool: Name of the tool.
    """

    world: World
    turn: int
    tool: str

    def record(self, kind: str, **fields: Any) -> Event:  # noqa: ANN401 - fields of Event
        """Append an Event for what was just done.

        Args:
            kind: As in ``Event.kind``.
            **fields: The other fields of the Event; index, at, turn and tool are filled in.

        Returns:
            The Event as it was appended.
        """
        world = self.world
        event = Event(index=len(world.events), kind=kind, at=world.now, turn=self.turn, tool=self.tool, **fields)
        world.events.append(event)
        return event


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The answer to a call, as the model reads it; ``failed`` when the call was refused."""

    text: str
    failed: bool = False


@dataclass(frozen=True, eq=False)
class Tool:
    """A tool as it is offered and carried out.

    Attributes:
        description: The docstring without its sections.
        args_model: Validates the arguments; unknown keys are forbidden.
        fn: The function; takes a ToolContext first.
    """

    name: str
    description: str
    effect: Effect
    args_model: type[BaseModel]
    fn: Callable[..., str]

    def schema(self) -> dict[str, Any]:
        """The tool in OpenAI's function form, built once; callers must not change it."""
        return self._schema

    @cached_property
    def _schema(self) -> dict[str, Any]:
        parameters = _without_titles(self.args_model.model_json_schema())
        parameters.setdefault("properties", {})
        function = {"name": self.name, "description": self.description, "parameters": parameters}
        return {"type": "function", "function": function}


def tool(*, effect: Effect) -> Callable[[Callable[..., str]], Tool]:
    """Make a tool of a function ``(ctx: ToolContext, …) -> str`` with a Google docstring.

    Args:
        effect: READ for tools that only look; they may record no Event.

    Returns:
        The decorator.

    Raises:
        TestbedError: From the decorator, if the function has no docstring or a parameter cannot be described.
    """

    def decorate(fn: Callable[..., str]) -> Tool:
        doc = parse(fn.__doc__ or "", style=DocstringStyle.GOOGLE)
        if not doc.short_description:
            raise TestbedError(f"tool {fn.__name__}: a docstring is needed, the model reads it")
        args_model = build_args_model(fn.__name__, fn, doc)
        return Tool(fn.__name__, _description(doc.description or ""), effect, args_model, fn)

    return decorate


def execute(world: World, tools: Mapping[str, Tool], call: ToolCall, turn: int) -> ToolResult:
    """Carry out a model's call on the world.

    Args:
        world: Changed in place by a successful call; a failed one leaves it as it was.
        tools: The tools on offer, by name.
        call: What the model asked for, however malformed.
        turn: The model call (from 1) it came with.

    Returns:
        The tool's answer, or what was wrong, with the world's note at its end. Only a bug inside a tool raises.
    """
    result = _execute(world, tools, call, turn)
    return replace(result, text=f"{result.text}\n\n{world.tool_note}") if world.tool_note else result


def _execute(world: World, tools: Mapping[str, Tool], call: ToolCall, turn: int) -> ToolResult:
    if world.ended:
        return _failure("The session has ended; nothing more is carried out.")
    known = tools.get(call.name)
    if known is None:
        return _failure(f"There is no tool {printable(call.name)!r}. Tools: {', '.join(tools) or 'none'}.")
    if call.error is not None:
        return _failure(f"The arguments of {known.name} could not be read: {printable(call.error, 500)}")
    try:
        values = read_arguments(known.args_model, call.args)
    except ArgumentsError as error:
        return _failure(f"The arguments of {known.name} are not valid:\n{error}")
    return _act(ToolContext(world, turn, known.name), known, values)


def _act(ctx: ToolContext, acting: Tool, values: Mapping[str, Any]) -> ToolResult:
    """Run the function; what a refused call had already changed is taken back."""
    before = ctx.world.fresh()  # copies the containers only, the records in them are immutable
    try:
        text = acting.fn(ctx, **values)
    except ToolError as error:
        for field in World.model_fields:
            setattr(ctx.world, field, getattr(before, field))
        return _failure(str(error))
    if acting.effect is Effect.READ and len(ctx.world.events) != len(before.events):
        raise RuntimeError(f"tool {acting.name} is declared READ but recorded an event")
    return ToolResult(text)


def _failure(text: str) -> ToolResult:
    """A refused call; marked in words too, since not every provider has a flag for it."""
    return ToolResult(f"Error: {text}", failed=True)


def _description(text: str) -> str:
    """Summary and body as the model reads them: paragraphs, each on one line."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n") if paragraph.strip())


def _without_titles(schema: Any) -> Any:  # noqa: ANN401 - a JSON schema or a part of one
    """Drop the titles that Pydantic adds; a property that is itself called ``title`` stays (its value is a dict)."""
    if isinstance(schema, dict):
        return {k: _without_titles(v) for k, v in schema.items() if not (k == "title" and isinstance(v, str))}
    if isinstance(schema, list):
        return [_without_titles(item) for item in schema]
    return schema
