"""Lets a person play the agent at the terminal, with the real tools, clock and colleagues, and scores what was done."""

import json
from collections.abc import Callable
from typing import Any

from testbed.authoring.play import Play, verdicts
from testbed.report.sanitize import sanitize
from testbed.types import Act, Case
from testbed.world import Tool

Ask = Callable[[str], str]
Tell = Callable[[str], None]

_HELP = """\
Type the name or number of a tool, then its arguments, one a line; an empty line leaves an optional one out.
Further commands: tools, inbox (list_emails), wait (until mail comes), say TEXT, prompt (the prompts again), done."""


def preview(case: Case, ask: Ask, tell: Tell) -> None:
    """Play a case by hand until the session is ended or the player is done.

    Args:
        case: What to play.
        ask: Shows a prompt and reads one line; raises ``EOFError`` at the end of the input.
        tell: Shows text.

    Raises:
        TestbedError: If the case names an unknown tool, or its pack's own code was not loaded.
    """
    play = Play(case, "by-hand")
    tell(f"{case.scenario}: {case.condition.key or 'default'}\n")
    _show_prompts(case, tell)
    tell(f"{_HELP}\n")
    _show_tools(play, tell)
    try:
        while not play.world.ended:
            line = ask(f"[{play.world.now:%H:%M}] tool> ").strip()
            if line in ("done", "quit", "exit"):
                break
            if line:
                _command(play, line, ask, tell)
    except EOFError:
        tell("")
    _show_result(case, play, tell)


def _command(play: Play, line: str, ask: Ask, tell: Tell) -> None:
    name, _, rest = line.partition(" ")
    if name == "help":
        tell(_HELP)
    elif name == "tools":
        _show_tools(play, tell)
    elif name == "prompt":
        _show_prompts(play.case, tell)
    elif name == "say":
        play.turn((), say=rest)
    elif name == "wait":
        tell("\n".join(map(sanitize, play.wait())) or "No mail is under way.")
    else:
        tool = _tool(play, "list_emails" if name == "inbox" else name)
        if tool is None:
            tell(f"There is no tool or command '{sanitize(name)}'. Type tools, or help.")
        else:
            _act(play, tool, rest, ask, tell)


def _tool(play: Play, name: str) -> Tool | None:
    tools = list(play.tools.values())
    if name.isdecimal() and 1 <= int(name) <= len(tools):
        return tools[int(name) - 1]
    return play.tools.get(name)


def _act(play: Play, tool: Tool, rest: str, ask: Ask, tell: Tell) -> None:
    """Ask for the arguments, or take them from the line where there is only one to give, and act."""
    parameters = tool.schema()["function"]["parameters"]
    required = parameters.get("required", [])
    args: dict[str, Any] = {}
    if rest and parameters["properties"]:
        name = next(iter(required or parameters["properties"]))
        args[name] = rest
    for name, described in parameters["properties"].items():
        if name in args or (rest and name not in required):
            continue
        hint = f" ({described['description']})" if described.get("description") else ""
        optional = "" if name in required else " [optional]"
        value = ask(f"  {name}{optional}{hint}: ")
        if value or name in required:
            args[name] = _value(value.replace("\\n", "\n"), described)
    results, notices = play.turn([Act(tool=tool.name, args=args)])
    for text in (*(result.text for result in results), *notices):
        tell(sanitize(text))
    tell("")


def _value(text: str, described: dict[str, Any]) -> Any:  # noqa: ANN401 - whatever the tool takes
    """Read lists from commas, and what is neither text nor list as JSON."""
    kinds = {described.get("type"), *(form.get("type") for form in described.get("anyOf", ()))}
    if "array" in kinds:
        return [part.strip() for part in text.split(",") if part.strip()]
    if "string" in kinds:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _show_prompts(case: Case, tell: Tell) -> None:
    tell(f"--- system prompt\n{sanitize(case.system)}\n\n--- first message\n{sanitize(case.user)}\n")


def _show_tools(play: Play, tell: Tell) -> None:
    for number, tool in enumerate(play.tools.values(), 1):
        parameters = ", ".join(tool.schema()["function"]["parameters"]["properties"])
        tell(f"{number:>3}  {tool.name}({parameters})")
    tell("")


def _show_result(case: Case, play: Play, tell: Tell) -> None:
    """Say what was executed, and what evidence and heuristic make of it."""
    episode = play.episode()
    tell("--- executed")
    for event in episode.events:
        if event.tool:
            to = (
                f" to {', '.join(event.recipients) or event.channel or ''}" if event.recipients or event.channel else ""
            )
            refused = "" if event.accepted else f" (refused: {event.reason})"
            tell(sanitize(f"{event.index}: {event.kind}{to} {event.subject}".rstrip() + refused))
    tell("--- scores")
    for verdict in verdicts(case, episode):
        value = "unscored: " + verdict.unscored if verdict.value is None else "yes" if verdict.value else "no"
        level = f" ({verdict.level})" if verdict.level else ""
        events = f", events {', '.join(map(str, verdict.events))}" if verdict.events else ""
        tell(f"{verdict.label:<32} {verdict.scorer:<10} {value}{level}{events}")
