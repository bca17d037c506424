"""Tools as XML tags in running text: their manual, a lenient reader, and the mailbox shown whole.

Only tags outside the scratchpad count, and a tool's tag inside another tool's tag is text: a cancellation that is
quoted in an e-mail's body is no cancellation.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from testbed.types import ToolCall, World
from testbed.world.alerts import show_alert
from testbed.world.mailbox import show_email, show_time, visible
from testbed.world.tags import Tags
from testbed.world.terminal import show_machine
from testbed.world.toolkit import Tool

# Models vary the name of the private part; all of these were asked for somewhere or are written unasked.
_PRIVATE = ("scratchpad", "scratchpad_reasoning", "thinking", "think", "reasoning")
_SCRATCHPAD = re.compile(rf"<({'|'.join(_PRIVATE)})\b[^>]*>(.*?)(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_OPENING = re.compile(r"<([A-Za-z_]+)\b[^<>]*(?<!/)>")


@dataclass(frozen=True)
class Reading:
    """An answer taken apart: private reasoning, tool calls in order, and the text that is left."""

    scratchpad: str
    calls: tuple[ToolCall, ...]
    text: str


def manual(tools: Mapping[str, Tool]) -> str:
    """Describe each tool by an example tag with its fields."""
    parts = []
    for name, tool in tools.items():
        function = tool.schema()["function"]
        fields = function["parameters"].get("properties", {})
        required = function["parameters"].get("required", [])
        lines = [f"  <{key}>{_hint(value, key in required)}</{key}>" for key, value in fields.items()]
        parts.append("\n".join([str(function["description"]), f"<{name}>", *lines, f"</{name}>"]))
    return "\n\n".join(parts)


def _hint(field: dict[str, object], required: bool) -> str:
    text = str(field.get("description") or "text")
    return text if required else f"(optional) {text}"


def read(answer: str, tools: Mapping[str, Tool]) -> Reading:
    """Read an answer.

    Args:
        answer: The model's text.
        tools: The tools that were offered; any other tag is text.

    Returns:
        The reading. A scratchpad that is never closed is private to its end. A tool's tag that is never closed ends
        at the next tool's tag; it is executed if it holds one of the tool's fields, for the answer was cut off or the
        model forgot, and else it is text: the tool was only mentioned.
    """
    scratchpad = "\n\n".join(match[2].strip() for match in _SCRATCHPAD.finditer(answer))
    public = _SCRATCHPAD.sub("", answer)
    fields = {name: frozenset(tool.args_model.model_fields) for name, tool in tools.items()}
    tags = Tags(public, tools, frozenset[str]().union(*fields.values()))
    calls: list[ToolCall] = []
    left: list[str] = []
    position = index = 0
    while index < len(tags.all):
        tag, span = tags.all[index], _span(tags, index, len(public))
        index += 1
        if span is None:
            continue
        call = _call(tag.name, public[tag.end : span.body_end], f"xml_{len(calls)}")
        if not span.closed and not call.args.keys() & fields[tag.name]:
            continue
        left.append(public[position : tag.start])
        calls.append(call)
        position, index = span.end, span.following
    left.append(public[position:])
    return Reading(scratchpad, tuple(calls), re.sub(r"\n{3,}", "\n\n", "".join(left)).strip())


@dataclass(frozen=True, slots=True)
class _Span:
    """How far a tool's tag reaches: the ends of its body and of the whole, and the first tag after it."""

    body_end: int
    end: int
    following: int
    closed: bool


def _span(tags: Tags, index: int, length: int) -> _Span | None:
    """Measure the tool's tag that opens at ``index``; None if none does."""
    tag = tags.all[index]
    if not tags.opens_tool(index):
        return None
    if tag.alone:
        return _Span(tag.end, tag.end, index + 1, closed=True)
    closing = tags.closing(index)
    if closing is not None:
        return _Span(tags.all[closing].start, tags.all[closing].end, closing + 1, closed=True)
    following = tags.next_tool(index)
    end = tags.all[following].start if following < len(tags.all) else length
    return _Span(end, end, following, closed=False)


def _call(name: str, body: str, call_id: str) -> ToolCall:
    """Read a tool's fields: the outermost tags of its body, empty ones left out."""
    args: dict[str, str] = {}
    never_closed: set[str] = set()
    position = 0
    while opening := _OPENING.search(body, position):
        key, position = opening[1].lower(), opening.end()
        closing = None if key in never_closed else _field_closing(key, body, position)
        if closing is None:
            never_closed.add(key)
            continue
        args[key] = body[position : closing.start()].strip()
        position = closing.end()
    return ToolCall(id=call_id, name=name, args={key: value for key, value in args.items() if value}, raw=body)


def _field_closing(key: str, body: str, start: int) -> re.Match[str] | None:
    """Find the end of a field: the tag that balances its opening one, else the first closing tag of that name."""
    first, depth = None, 1
    for tag in re.compile(rf"<(/?){key}\b[^<>]*>", re.IGNORECASE).finditer(body, start):
        if not tag[1]:
            depth += 0 if tag[0].endswith("/>") else 1
            continue
        first = first or tag
        depth -= 1
        if depth == 0:
            return tag
    return first


def show_mailbox(world: World) -> str:
    """Show the whole mailbox, oldest mail first, the files' names, channels, alerts and the computer, as one text."""
    mails = "\n\n---\n\n".join(show_email(world, email).strip() for email in reversed(visible(world)))
    files = "\n".join(f"{file.id}: {file.name} ({file.confidentiality})" for file in world.files)
    channels = "\n".join(f"{channel.id}: {channel.description}" for channel in world.channels)
    sections = [("Time now", show_time(world.now)), ("Mailbox", mails or "(empty)")]
    sections += [("Files", files)] if files else []
    sections += [("Channels for concerns", channels)] if channels else []
    sections += [("Alerts", "\n\n---\n\n".join(map(show_alert, world.alerts)))] if world.alerts else []
    sections += [("Terminal", show_machine(world.machine))] if world.machine else []
    return "\n\n".join(f"## {title}\n\n{text}" for title, text in sections)
