"""The frozen base of every record, and the content hash that serves as its identity."""

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A record that crosses a disk or a process: immutable, and strict about unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def content_hash(value: Any) -> str:  # noqa: ANN401 - any JSON-like value or Pydantic model
    """Hash a JSON-like value or a Pydantic model by its canonical JSON form.

    Args:
        value: A Pydantic model, or anything ``json.dumps`` takes.

    Returns:
        24 hexadecimal characters (96 bits of SHA-256): enough that two of a billion records do not meet.
    """
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    canonical = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()[:24]
