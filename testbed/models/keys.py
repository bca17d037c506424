"""Reads API keys from the environment."""

import os
from collections.abc import Sequence


def read_key(names: Sequence[str]) -> str:
    """Read the first of these environment variables that holds a key; empty if none does.

    Line ends at the end are dropped: files with secrets often end with one.
    """
    return next((key for name in names if (key := os.environ.get(name, "").rstrip("\r\n"))), "")


def key_fault(names: Sequence[str]) -> str | None:
    """Say why the key in these variables cannot be sent in an HTTP header, without showing it; ``None`` if it can."""
    key = read_key(names)
    if key.isascii() and key.isprintable() and key == key.strip():
        return None
    return f"the key in {' or '.join(names)} has spaces around it, or control or non-ASCII characters within"
