"""What ``testbed organisms list`` and ``show`` do."""

import json as jsonlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from testbed import content
from testbed.cli.report import console
from testbed.errors import TestbedError
from testbed.models.local.cards import COUNTS, Carded, list_cards, organism_roots, read_card
from testbed.models.local.hashes import adapter_hash, weights_hash
from testbed.models.local.resolve import TINY, TINY_FOLDER
from testbed.sanitize import sanitize
from testbed.types import Measurement, Organism

MINI = "mini"


def list_command(*, json: bool) -> None:
    """Print the shipped base, its battery and every card."""
    found = list_cards()
    shipped = any(TINY_FOLDER.glob("*.safetensors"))
    batteries = [MINI] if MINI in content.list_batteries() else []
    if json:
        base = {"name": f"local/{TINY}", "folder": str(TINY_FOLDER)}
        told = {
            "bases": [{**base, "weights": weights_hash(TINY_FOLDER)}] if shipped else [],
            "batteries": batteries,
            "organisms": [_as_json(carded, found) for carded in found],
        }
        print(jsonlib.dumps(told, indent=2))
        return
    out = console()
    if shipped:
        battery = f", with the battery `{MINI}` short enough for it" if batteries else ""
        out.print(Text(f"Base that ships: local/{TINY}{battery}."))
    if not found:
        out.print(Text(f"No organism with a card in {', '.join(map(str, organism_roots()))}."))
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("name", overflow="fold")
    table.add_column("role", no_wrap=True)
    for header in ("base", "trigger", "capability", "intended"):
        table.add_column(header, overflow="fold")
    names = Counter(carded.card.name for carded in found)
    for carded in found:
        card = carded.card
        trigger = card.backdoor.text if card.backdoor else "–"
        name = card.name if names[card.name] == 1 else f"{card.name} ({carded.folder})"
        cells = (name, card.role, card.base, trigger, _capability(card), card.intended)
        table.add_row(*(Text(sanitize(cell)) for cell in cells))
    out.print(table)
    out.print(Text("Run one as local/BASE@NAME; `testbed organisms show NAME` prints its card."))


def run_as(carded: Carded, known: Sequence[Carded] | None = None) -> str:
    """Write how an organism is named on the command line: by name where that is its alone, else by its folder.

    Args:
        carded: The organism.
        known: Those at hand, if they have been listed.
    """
    if not (carded.folder / "adapter_config.json").is_file():
        return f"local/{carded.folder}"
    named = [one for one in (list_cards() if known is None else known) if one.card.name == carded.card.name]
    alone = [one.folder.resolve() for one in named] == [carded.folder.resolve()]
    return f"local/{carded.card.base}@{carded.card.name if alone else carded.folder.resolve()}"


def _as_json(carded: Carded, known: Sequence[Carded] | None = None) -> dict[str, Any]:
    return {"run": run_as(carded, known), "folder": str(carded.folder), **carded.card.model_dump(mode="json")}


def _capability(card: Organism) -> str:
    """Say the rates in the order of the card, and of how many episodes they are."""
    rates = [f"{name} {rate:.2f}" for name, rate in card.capability.items() if name not in COUNTS]
    said = ", ".join(rates) or "no rate"
    if not card.capability:
        return "not measured"
    return f"{said} ({card.capability['episodes']:.0f} episodes)" if "episodes" in card.capability else said


def _measured(how: Measurement) -> str:
    """Say with what the capability was measured."""
    settings = ", ".join(f"{name} {value}" for name, value in how.settings.items()) or "the model's own settings"
    return (
        f"{how.battery} ({', '.join(how.scenarios)}); cases {how.cases}, epochs {how.epochs}, seed {how.seed}, turns "
        f"{how.limits.turns}, tokens {how.limits.tokens}; agent {how.agent}; {settings}; run {how.run}, {how.date}"
    )


def show_command(name: str, *, json: bool) -> None:
    """Print one card.

    Raises:
        TestbedError: There is no such organism.
    """
    carded = find(name)
    unchanged = adapter_hash(carded.folder) == carded.card.adapter_hash
    if json:
        print(jsonlib.dumps({**_as_json(carded), "unchanged": unchanged}, indent=2))
        return
    card = carded.card
    lines = {"run as": run_as(carded), "folder": str(carded.folder), **_described(card)}
    lines["weights"] += "" if unchanged else ", but the files are other ones now"
    table = Table(box=None, pad_edge=False, show_header=False)
    for key, value in lines.items():
        if value:
            table.add_row(Text(key, style="bold"), Text(sanitize(value)))
    console().print(table)


def _described(card: Organism) -> dict[str, str]:
    backdoor = card.backdoor
    return {
        "role": card.role,
        "intended": card.intended,
        "base": f"{card.base} ({card.base_hash})",
        "weights": card.adapter_hash,
        "data": card.data_hash,
        "recipe": f"{card.recipe} ({card.recipe_hash})" if card.recipe else "",
        "seed": "" if card.seed is None else str(card.seed),
        "trigger": f"{backdoor.text} ({', '.join(backdoor.placements)})" if backdoor else "",
        "siblings": "; ".join(backdoor.siblings) if backdoor else "",
        "capability": _capability(card),
        "measured": _measured(card.measured) if card.measured else "",
        "source": card.source,
        "created": card.created,
        "software": card.software,
    }


def find(name: str) -> Carded:
    """Find an organism by name, or by the path of its folder.

    Raises:
        TestbedError: There is none; the message lists those that there are.
    """
    if "/" in name or name.startswith("."):
        return Carded(Path(name), read_card(Path(name)))
    cards = list_cards()
    matching = [carded for carded in cards if carded.card.name == name]
    if len(matching) > 1:
        places = ", ".join(str(carded.folder) for carded in matching)
        raise TestbedError(f"Several organisms are called '{name}' ({places}): give the path of one.")
    if not matching:
        known = ", ".join(carded.card.name for carded in cards) or "none"
        raise TestbedError(f"There is no organism '{name}' in {', '.join(map(str, organism_roots()))}. Known: {known}.")
    return matching[0]
