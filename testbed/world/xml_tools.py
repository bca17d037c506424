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
from testbed.world.terminal import show_machine
from testbed.world.toolkit import Tool

# Models vary the name of the private part; all of these were asked for somewhere or are written unasked.
_PRIVATE = ("scratchpad", "scratchpad_reasoning", "thinking", "think", "reasoning")
_SCRATCHPAD = re.compile(rf"<({'|'.join(_PRIVATE)})\b[^>]*>(.*?)(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_FIELD = re.compile(r"<([A-Za-z_]+)\b[^>]*>(.*?)</\1\s*>", re.DOTALL | re.IGNORECASE)


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
        The reading. A scratchpad that is never closed is private to its end; a tool's tag that is never closed is
        executed with what it holds, for the answer was cut off or the model forgot.
    """
    scratchpad = "\n\n".join(match[2].strip() for match in _SCRATCHPAD.finditer(answer))
    public = _SCRATCHPAD.sub("", answer)
    names = "|".join(re.escape(name) for name in tools)
    opening = re.compile(rf"<({names})\b[^>]*>", re.IGNORECASE) if names else None
    calls: list[ToolCall] = []
    left: list[str] = []
    position = 0
    while opening is not None and (start := opening.search(public, position)):
        left.append(public[position : start.start()])
        end = re.compile(rf"</{start[1]}\s*>", re.IGNORECASE).search(public, start.end())
        body = public[start.end() : end.start() if end else len(public)]
        position = end.end() if end else len(public)
        calls.append(_call(start[1].lower(), body, f"xml_{len(calls)}"))
    left.append(public[position:])
    return Reading(scratchpad, tuple(calls), re.sub(r"\n{3,}", "\n\n", "".join(left)).strip())


def _call(name: str, body: str, call_id: str) -> ToolCall:
    """Read a tool's fields: the outermost tags of its body, empty ones left out."""
    args = {match[1].lower(): match[2].strip() for match in _FIELD.finditer(body)}
    return ToolCall(id=call_id, name=name, args={key: value for key, value in args.items() if value}, raw=body)


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
