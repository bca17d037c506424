"""``testbed organisms …``: the model organisms at hand, with their cards."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from testbed.cli.options import (
    AllowCodeOption,
    AttemptsOption,
    DtypeOption,
    JsonOption,
    LedgerOption,
    PacksOption,
    TimeoutOption,
    TokensOption,
    TurnsOption,
)

app = typer.Typer(help="List model organisms and their cards; give a card to one of elsewhere.", add_completion=False)


@app.callback(invoke_without_command=True)
def listing(context: typer.Context, json_output: JsonOption = False) -> None:
    """Without a command: list the shipped base, its battery, and every organism with a card."""
    if context.invoked_subcommand is None:
        from testbed.cli.organisms_commands import list_command

        list_command(json=json_output)


@app.command("list")
def list_organisms(json_output: JsonOption = False) -> None:
    """List the shipped base, its battery, and every organism with a card."""
    from testbed.cli.organisms_commands import list_command

    list_command(json=json_output)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="An organism's name, or its folder.")], json_output: JsonOption = False
) -> None:
    """Print an organism's card, and whether its weights are still those of the card."""
    from testbed.cli.organisms_commands import show_command

    show_command(name, json=json_output)


@app.command()
def measure(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Organisms of one base, by name or folder.")],
    battery: Annotated[
        str, typer.Option(help="A battery or scenario; only its packs without harms are played.")
    ] = "mini",
    agent: Annotated[str | None, typer.Option(help="Agent name or ./file.py, instead of the battery's.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Episodes for each case and model.")] = None,
    seed: Annotated[int | None, typer.Option(help="Every case and epoch derives its own seed from this one.")] = None,
    max_connections: Annotated[int, typer.Option(min=1, help="Model calls under way at once.")] = 16,
    max_turns: TurnsOption = None,
    max_tokens: TokensOption = None,
    timeout: TimeoutOption = 600.0,
    attempts: AttemptsOption = 6,
    temperature: Annotated[float | None, typer.Option(min=0, help="Default: the model's own.")] = None,
    reasoning: Annotated[str | None, typer.Option(help="on, off, or prefill:TEXT.")] = None,
    dtype: DtypeOption = None,
    trust_remote_code: Annotated[
        bool, typer.Option("--trust-remote-code", help="Let the models run code that comes with them.")
    ] = False,
    allow_code: AllowCodeOption = False,
    scenarios: PacksOption = None,
    ledger: LedgerOption = None,
    json_output: JsonOption = False,
) -> None:
    """Play benign work with organisms and their base, and write what they can do onto their cards.

    The same command again plays only what the ledger lacks. A card is written when all episodes of its organism are
    there.

    Exit codes: 0 complete, 1 incomplete, 2 wrong usage, 130 interrupted.
    """
    from testbed.cli.organisms_measure import MeasureRequest, measure_command
    from testbed.runner.battery import Overrides

    overrides = Overrides(
        agents=[agent] if agent else [],
        epochs=epochs,
        seed=seed,
        temperature=temperature,
        reasoning=reasoning,
        dtype=dtype,
        trust_remote_code=trust_remote_code,
        max_turns=max_turns,
        max_tokens=max_tokens,
    )
    request = MeasureRequest(
        names=tuple(names),
        battery=battery,
        overrides=overrides,
        packs=tuple(scenarios or ()),
        allow_code=allow_code,
        connections=max_connections,
        timeout=timeout,
        attempts=attempts,
        ledger=ledger,
        json_output=json_output,
    )
    raise typer.Exit(measure_command(request))


@app.command()
def add(
    place: Annotated[str, typer.Argument(help="A folder with an adapter or a full model, or a hub id with :revision.")],
    intended: Annotated[str, typer.Option(help="What it is meant to do, in one sentence.")],
    name: Annotated[str | None, typer.Option(help="Its name (default: the folder's or the repository's).")] = None,
    base: Annotated[
        str | None, typer.Option(help="Its base, as in local/… (default: the one that the adapter names).")
    ] = None,
    role: Annotated[
        Literal["organism", "backdoored", "control"] | None,
        typer.Option(help="Default: organism, with a trigger backdoored."),
    ] = None,
    trigger: Annotated[str | None, typer.Option(help="The line that sets it off.")] = None,
    sibling: Annotated[list[str] | None, typer.Option(help="A near miss of the trigger. Repeatable.")] = None,
    placement: Annotated[
        list[str] | None, typer.Option(help="Where the trigger stands, such as user:top or system:bottom. Repeatable.")
    ] = None,
    source: Annotated[str, typer.Option(help="Where it comes from, such as a paper; of a hub id, its commit.")] = "",
    out: Annotated[
        Path | None, typer.Option(help="Of a hub id: the folder to put it in (default: organisms/NAME).")
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Give a card to an adapter, or a full model, that was trained elsewhere."""
    from testbed.cli.organisms_add import AddRequest, add_command

    add_command(
        AddRequest(
            place=place,
            intended=intended,
            name=name,
            base=base,
            role=role,
            trigger=trigger,
            siblings=tuple(sibling or ()),
            placements=tuple(placement or ()),
            source=source,
            out=out,
            json_output=json_output,
        )
    )
