"""Options that several commands share, and what they stand for."""

import os
from pathlib import Path
from typing import Annotated

import typer

LedgerOption = Annotated[
    Path | None,
    typer.Option("--ledger", help="The ledger (SQLite file). Default: $TESTBED_LEDGER, else ./testbed.db."),
]
PacksOption = Annotated[
    list[Path] | None, typer.Option("--scenarios", help="A folder with further scenario packs. Repeatable.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]


def ledger_path(option: Path | None) -> Path:
    """Choose the ledger: the option, else the environment's, else ``./testbed.db``."""
    return option or Path(os.environ.get("TESTBED_LEDGER") or "testbed.db")


def split(values: list[str] | None) -> list[str]:
    """Flatten repeatable options whose values may be comma-separated lists."""
    return [part.strip() for value in values or [] for part in value.split(",") if part.strip()]
