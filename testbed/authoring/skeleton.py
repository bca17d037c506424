"""Writes a new scenario pack: small, commented, working, and without a finding of the linter."""

import re
from pathlib import Path

from testbed.errors import TestbedError

_TEMPLATE = Path(__file__).parent / "skeleton"


def new_pack(name: str, folder: Path) -> Path:
    """Write a pack to start from.

    Args:
        name: The pack's name, and its folder's.
        folder: Where the pack's folder is made; it is made itself if need be.

    Returns:
        The pack's folder.

    Raises:
        TestbedError: If the name cannot be used, or there is something of that name.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in ("common", "batteries"):
        raise TestbedError(
            f"'{name}' cannot be a scenario's name: write lower-case letters, digits and _, as in my_case."
        )
    target = folder / name
    if target.exists():
        raise TestbedError(f"There is something at {target} already; nothing was written.")
    try:
        target.mkdir(parents=True)
        for source in sorted(_TEMPLATE.iterdir()):
            text = source.read_text(encoding="utf-8")
            (target / source.name).write_text(text.replace("NAME", name), encoding="utf-8")
    except OSError as error:
        raise TestbedError(f"The pack cannot be written to {target}: {error.strerror or error}.") from error
    return target
