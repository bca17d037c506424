"""Reading structured answers of models: servers without schema support wrap the JSON in a fence or in running text."""

import json
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError


class UnreadableAnswer(ValueError):
    """An answer that is not the JSON asked for; the message says what is wrong, for the model to mend."""


def objects(text: str) -> Iterator[dict[str, Any]]:
    """Yield the outermost JSON objects that stand in a text, in order."""
    decoder = json.JSONDecoder()
    position = text.find("{")
    while position != -1:
        try:
            value, end = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            end = position + 1
        else:
            yield value
        position = text.find("{", end)


def what_is_wrong(error: ValidationError, most: int) -> str:
    """Say where an object is not of the form asked for, for the model to mend: at most so many places."""
    return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:most])
