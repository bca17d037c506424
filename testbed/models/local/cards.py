"""Organism cards on disk: ``organism.json`` beside an adapter or beside full weights."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from testbed.errors import TestbedError
from testbed.sanitize import sanitize
from testbed.types import Measurement, Organism

CARD = "organism.json"
ROOTS_ENV = "TESTBED_ORGANISMS"
# What the capability on a card holds beside rates.
COUNTS = ("calls", "tasks", "episodes")


@dataclass(frozen=True, slots=True)
class Carded:
    """An organism with the folder that it lies in."""

    folder: Path
    card: Organism


def organism_roots() -> list[Path]:
    """List the folders that hold organisms: those of ``TESTBED_ORGANISMS``, else ``./organisms``."""
    named = [Path(part).expanduser() for part in os.environ.get(ROOTS_ENV, "").split(os.pathsep) if part]
    return named or [Path("organisms")]


def read_card(folder: Path) -> Organism:
    """Read the card of an organism.

    Raises:
        TestbedError: There is none, or it cannot be read.
    """
    path = folder / CARD
    if not path.is_file():
        raise TestbedError(
            f"{folder} has no card ({CARD}), and an organism without a card is not run: "
            f"make one with `testbed organisms add {folder}`."
        )
    try:
        return Organism.model_validate_json(path.read_bytes())
    except (ValidationError, OSError) as error:
        fault = error.errors()[0] if isinstance(error, ValidationError) else None
        said = f"{'.'.join(map(str, fault['loc'])) or 'the file'}: {fault['msg']}" if fault else str(error)
        raise TestbedError(f"The card {path} cannot be used: {said}.") from error


def write_card(folder: Path, card: Organism) -> Path:
    """Write the card of an organism, whole or not at all.

    Args:
        folder: The organism's folder; made if it is not there.
        card: What to write.

    Returns:
        The file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return _put(folder, card.model_dump(mode="json"))


def write_capability(folder: Path, capability: Mapping[str, float], measured: Measurement, organism: Organism) -> Path:
    """Replace the measured rates on a card; all other fields stay as they stand in the file.

    The same figures of the same conditions stay those of the run that they are from.

    Args:
        folder: The organism's folder.
        capability: What :attr:`Organism.capability` is to be.
        measured: With what it was measured.
        organism: The card as it was when measuring began.

    Returns:
        The file.

    Raises:
        TestbedError: The card names other weights by now, or cannot be written; it is left as it was.
    """
    card = read_card(folder)
    if card.adapter_hash != organism.adapter_hash:
        raise TestbedError(
            f"The card in {folder} names other weights than those of '{organism.name}' that were measured: "
            "it is left as it is; measure again."
        )
    known = card.measured.conditions() if card.measured else None
    if card.capability == capability and known == measured.conditions():
        return folder / CARD
    tree = json.loads((folder / CARD).read_bytes())
    try:
        return _put(folder, tree | {"capability": dict(capability), "measured": measured.model_dump(mode="json")})
    except OSError as error:
        raise TestbedError(f"The card in {folder} cannot be written ({error.strerror}).") from error


def _put(folder: Path, tree: dict[str, Any]) -> Path:
    """Write the file beside, and put it in its place in one step."""
    fresh = folder / f".{CARD}.{os.getpid()}"
    try:
        fresh.write_text(json.dumps(tree, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        return fresh.replace(folder / CARD)
    finally:
        fresh.unlink(missing_ok=True)


def list_cards(roots: Sequence[Path] | None = None) -> list[Carded]:
    """List the organisms with a readable card, by root and folder; a broken card is named on stderr and left out.

    Args:
        roots: Folders to look in, up to two levels deep; by default :func:`organism_roots`.
    """
    found = []
    for root in organism_roots() if roots is None else roots:
        for path in sorted({path for pattern in (CARD, f"*/{CARD}", f"*/*/{CARD}") for path in root.glob(pattern)}):
            try:
                found.append(Carded(path.parent, read_card(path.parent)))
            except TestbedError as error:
                print(f"Warning: {sanitize(str(error))}", file=sys.stderr)
    return found
