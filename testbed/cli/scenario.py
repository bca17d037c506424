"""``testbed scenario …``: write, check and look at scenario packs. What the commands do is imported when they run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from testbed.cli.options import JsonOption, PacksOption, split

if TYPE_CHECKING:
    from rich.console import Console

    from testbed.scenario import Scenario
    from testbed.types import Case

app = typer.Typer(
    help="Write, check and look at scenario packs (see docs/authoring.md).", no_args_is_help=True, add_completion=False
)

PackArgument = Annotated[str, typer.Argument(metavar="PACK", help="A scenario's name, or the path of its folder.")]
CodeOption = Annotated[
    bool, typer.Option("--allow-code", help="Let the pack's own tools.py run, with all your rights. Read it first.")
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="factor=level; what is not set is at its default. Repeatable.")
]
IsomorphOption = Annotated[
    int | None, typer.Option(min=0, help="Re-draw company, people, dates and mail order by this number.")
]


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits and _; the folder gets this name.")],
    folder: Annotated[Path, typer.Option("--dir", help="Where to make the pack's folder.")] = Path(),
) -> None:
    """Write a small, commented, working pack to start from."""
    from testbed.authoring.skeleton import new_pack

    made = new_pack(name, folder)
    path = f"./{made}" if not made.is_absolute() else str(made)
    print(f"Wrote {made}. Next:")
    print(f"  testbed scenario lint {path}")
    print(f"  testbed scenario render {path}")
    print(f"  testbed run {path} -m control/aligned -m control/blackmailer")


@app.command("lint")
def lint(
    pack: PackArgument,
    sample: Annotated[int, typer.Option(min=0, help="Combinations to draw where the grid is large.")] = 30,
    seed: Annotated[int, typer.Option(help="Decides the draw.")] = 0,
    allow_code: CodeOption = False,
    scenarios: PacksOption = None,
    json_output: JsonOption = False,
) -> None:
    """Check a pack: names, factors, conditions, policies, replies, addresses.

    Exit codes: 0 nothing but notes, 1 errors or warnings, 2 wrong usage.
    """
    import json
    from dataclasses import asdict

    from testbed import content
    from testbed.authoring.lint import lint as check
    from testbed.report.sanitize import sanitize

    found = check(content.find_pack(pack, scenarios or ()), allow_code=allow_code, sample=sample, seed=seed)
    counts = {kind: sum(item.severity == kind for item in found) for kind in ("error", "warning", "note")}
    if json_output:
        print(json.dumps([asdict(finding) for finding in found], indent=2, ensure_ascii=False))
    else:
        for finding in found:
            print(sanitize(finding.line()))
        print(f"{pack}: " + ", ".join(f"{number} {kind}{'s' * (number != 1)}" for kind, number in counts.items()) + ".")
    raise typer.Exit(1 if counts["error"] or counts["warning"] else 0)


@app.command("render")
def render(
    pack: PackArgument,
    settings: SetOption = None,
    isomorph: IsomorphOption = None,
    allow_code: CodeOption = False,
    scenarios: PacksOption = None,
    json_output: JsonOption = False,
) -> None:
    """Show one condition as the model will see it: prompts, mailbox, files, directory, tools."""
    scenario = _load(pack, scenarios)
    if allow_code:
        _use_code(scenario, allow=True)
    case = _case(scenario, settings, isomorph)
    if json_output:
        print(case.model_dump_json(indent=2))
    else:
        from testbed.authoring.show import show_case

        show_case(_console(), case)


@app.command("diff")
def diff(
    pack: PackArgument,
    first: Annotated[str, typer.Argument(metavar="A", help="factor=level,factor=level; or: default")],
    second: Annotated[str, typer.Argument(metavar="B", help="The other condition.")],
    scenarios: PacksOption = None,
) -> None:
    """Show two conditions side by side: every part of the case that differs, and how.

    Exit codes: 0 they differ, 1 they are the same case.
    """
    from testbed.authoring.diff import show_diff

    scenario = _load(pack, scenarios)
    one, two = (_case(scenario, _settings_of(text), None) for text in (first, second))
    raise typer.Exit(0 if show_diff(_console(), one, two) else 1)


@app.command("list")
def list_packs(
    kinds: Annotated[bool, typer.Option("--kinds", help="List the kinds of harm that can be scored instead.")] = False,
    scenarios: PacksOption = None,
) -> None:
    """List the packs at hand, and where each was found."""
    if kinds:
        from testbed.scoring.dimensions import DIMENSIONS

        for kind, dimension in DIMENSIONS.items():
            print(f"{kind}: {' '.join(dimension.definition.split())}\n")
        return
    from testbed import content
    from testbed.authoring import show
    from testbed.cli.listing import manifest_or_fault

    found = content.list_packs(scenarios or ())
    read = {name: manifest_or_fault(folder) for name, folder in found.items()}
    titles = {name: said if isinstance(said, str) else said.title for name, said in read.items()}
    show.list_packs(_console(), {name: (titles[name], str(folder)) for name, folder in found.items()})


@app.command("describe")
def describe(pack: PackArgument, scenarios: PacksOption = None) -> None:
    """Show a pack's factors with their levels, its harms, tasks and scripted policies."""
    from testbed.authoring import show

    scenario = _load(pack, scenarios)
    show.describe(_console(), scenario, _case(scenario, None, None))


@app.command("preview")
def preview(
    pack: PackArgument,
    settings: SetOption = None,
    isomorph: IsomorphOption = None,
    allow_code: CodeOption = False,
    scenarios: PacksOption = None,
) -> None:
    """Play the agent by hand, with the real tools, and see what is scored."""
    from testbed.authoring.preview import preview as play

    scenario = _load(pack, scenarios)
    _use_code(scenario, allow=allow_code)
    play(_case(scenario, settings, isomorph), input, print)


@app.command("schema")
def schema() -> None:
    """Print the JSON Schema of scenario.yaml, for editors."""
    from testbed.authoring.schema import schema_text

    print(schema_text(), end="")


def _load(pack: str, scenarios: list[Path] | None) -> "Scenario":
    from testbed import content
    from testbed.scenario import load_pack

    return load_pack(content.find_pack(pack, scenarios or ()))


def _use_code(scenario: "Scenario", *, allow: bool) -> None:
    from testbed.authoring.packcode import use_code

    use_code([scenario], allow=allow)


def _settings_of(text: str) -> list[str]:
    return [] if text == "default" else split([text.replace(" ", ",")])


def _case(scenario: "Scenario", settings: list[str] | None, isomorph: int | None) -> "Case":
    """Render the one condition that is asked for."""
    from testbed.errors import TestbedError
    from testbed.scenario import expand, parse_settings, render

    wanted: dict[str, Any] = parse_settings(settings or [])
    if isomorph is not None:
        wanted["isomorph"] = [str(isomorph)]
    found = expand(scenario, wanted)
    if len(found) != 1:
        raise TestbedError(f"That asks for {len(found)} conditions; give one level for each factor.")
    return render(scenario, found[0])


def _console() -> "Console":
    from testbed.cli.report import console

    return console()
