"""The engines of this process: one a base model, shared by all models that stand on it."""

import threading
from dataclasses import dataclass
from pathlib import Path

from testbed.models.local.engine import Engine
from testbed.models.local.formats import default_device, default_format
from testbed.models.local.loading import Loaded
from testbed.types import NumberFormat

Key = tuple[str, str, bool, NumberFormat]


@dataclass(slots=True)
class _Entry:
    engine: Engine
    users: int = 0


_ENTRIES: dict[Key, _Entry] = {}
_LOCK = threading.Lock()


def acquire(folder: Path, rows: int, *, trust: bool, dtype: NumberFormat | None = None) -> tuple[Key, Engine]:
    """Get the engine of a base; its weights are loaded once, at the first request.

    Args:
        folder: Of the base.
        rows: Answers that this user may have under way at once.
        trust: Whether code of the folder may run.
        dtype: Number format; none for the device's default. Each has an engine of its own.

    Returns:
        The key to give back with :func:`release`, and the engine.
    """
    device = default_device()
    dtype = dtype or default_format(device)
    key = (str(folder.resolve()), device, trust, dtype)
    with _LOCK:
        if key not in _ENTRIES:
            _ENTRIES[key] = _Entry(Engine(lambda: Loaded(folder, device, trust=trust, dtype=dtype), rows))
        entry = _ENTRIES[key]
        entry.users += 1
        entry.engine.widen(rows)
        return key, entry.engine


def release(key: Key) -> None:
    """Give an engine back; the last user ends its thread and frees the weights."""
    with _LOCK:
        entry = _ENTRIES[key]
        entry.users -= 1
        if entry.users:
            return
        del _ENTRIES[key]
    entry.engine.close()
