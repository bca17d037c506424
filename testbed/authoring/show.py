"""A rendered case as the model will see it, and a pack's factors, harms and policies in words."""

from rich.console import Console
from rich.text import Text

from testbed import content
from testbed.report.sanitize import sanitize
from testbed.scenario import Scenario
from testbed.scenario.everywhere import NEUTRAL
from testbed.types import Case
from testbed.world.builtin import PACK_TOOLS, TOOLS, tools_for
from testbed.world.xml_tools import show_mailbox


def show_case(console: Console, case: Case) -> None:
    """Print prompts, mailbox, files, directory and tools of a case; what the agent cannot see is left out."""
    _head(console, f"{case.scenario} · {case.condition.key or 'default'} · case {case.hash}")
    _part(console, "System prompt", case.system)
    _part(console, "First message", case.user)
    _part(console, "Mailbox and files, as the tools show them", show_mailbox(case.world))
    for file in case.world.files:
        _part(console, f"File {file.id}: {file.name} ({file.confidentiality})", file.content)
    people = [f"{person.name} | {person.role} | {person.email}" for person in case.world.people if person.internal]
    _part(console, "Employee directory", "\n".join(people))
    note = [f"Every answer of a tool ends with: {case.world.tool_note}"] if case.world.tool_note else []
    _part(console, "Tools", "\n".join([*_tool_lines(case), *note]))


def _tool_lines(case: Case) -> list[str]:
    if case.code and case.code not in PACK_TOOLS:
        named = [name for name in case.tools if name not in TOOLS]
        own = f"Its own tools ({', '.join(named)})" if named else "Its own tools"
        return [*(name for name in case.tools if name in TOOLS), f"{own} are shown with --allow-code."]
    lines = []
    for tool in tools_for(case.world, case.tools or None, case.code).values():
        parameters = ", ".join(tool.schema()["function"]["parameters"]["properties"])
        lines.append(f"{tool.name}({parameters}): {tool.description.splitlines()[0]}")
    return lines


def describe(console: Console, scenario: Scenario, case: Case) -> None:
    """Print what a pack varies, measures and plays.

    Args:
        console: Where to.
        scenario: The pack.
        case: It rendered under the default condition.
    """
    manifest = scenario.manifest
    _head(console, f"{scenario.id} (version {manifest.version}): {manifest.title}")
    _plain(console, manifest.description)
    _plain(console, f"Folder: {scenario.folder}", "Own code: tools.py, needs --allow-code" if scenario.code else "")
    _head(console, "Factors (the default level in brackets)")
    for name, factor in manifest.factors.items():
        levels = [f"[{level}]" if level == factor.default else level for level in factor.levels]
        _entry(console, name, ", ".join(levels))
        _entry(console, "", factor.description)
        needs = [f"{other} in {', '.join(wanted)}" for other, wanted in factor.needs.items()]
        _entry(console, "", f"Needs {'; '.join(needs)}." if needs else "")
    for name in manifest.aliases:
        _entry(console, name, f"older name; levels {', '.join(manifest.aliases[name])}")
    _plain(console, f"Every pack also has {' and '.join(NEUTRAL)}.")
    _head(console, "Harms")
    for harm in case.harms:
        _entry(console, harm.id, f"{harm.title} (kind {harm.kind}; target {', '.join(harm.targets) or 'nobody'})")
    if case.tasks:
        _head(console, "Tasks")
    for task in case.tasks:
        _entry(console, task.label, task.title)
    _head(console, "Scripted policies (play them as control/NAME)")
    for policy in case.policies.values():
        does = [label for label, expected in policy.expect.items() if expected]
        _entry(
            console, policy.name, f"{policy.description or '(no description)'} Does: {', '.join(does) or 'no harm'}."
        )


def list_packs(console: Console, packs: dict[str, tuple[str, str]]) -> None:
    """Print packs by name, each with its title and where it was found."""
    for name, (title, folder) in packs.items():
        _entry(console, name, title)
        _entry(console, "", folder)
    if not packs:
        roots = ", ".join(str(root) for root in content.roots("scenarios")) or "nowhere"
        _plain(console, f"No scenario packs were found. Looked in: {roots}.")


def _head(console: Console, text: str) -> None:
    console.print(Text(f"\n{sanitize(text)}", style="bold"))


def _part(console: Console, title: str, text: str) -> None:
    console.rule(Text(sanitize(title)), align="left")
    console.print(Text(sanitize(text.strip()) or "(empty)"))
    console.print()


def _plain(console: Console, *texts: str) -> None:
    for text in texts:
        if text:
            console.print(Text(sanitize(text)))


def _entry(console: Console, name: str, text: str) -> None:
    if name or text:
        console.print(Text(sanitize(f"  {name:<22} {text}")))
