"""Long texts out of a JSON tree and back: what stands in many episodes is stored once.

A string of ``LONG`` characters or more becomes ``{"$text": HASH}``. An object of the tree that has ``$text`` as its
only key is written as ``{"$text": [OBJECT'S VALUE]}``, so that nothing a model or a pack writes is taken for a
reference.
"""

import hashlib
import zlib
from collections.abc import Mapping
from typing import Any

KEY = "$text"
LONG = 128  # characters; a reference costs about 45 bytes


def text_hash(text: str) -> str:
    """Hash a text: 32 hexadecimal characters (128 bits of SHA-256)."""
    return hashlib.sha256(_encode(text)).hexdigest()[:32]


def pack(text: str) -> bytes:
    """Compress a text (zlib over UTF-8; lone surrogates, which a model can produce, survive)."""
    return zlib.compress(_encode(text), 6)


def unpack(data: bytes) -> str:
    """Undo ``pack``.

    Raises:
        zlib.error: The bytes are damaged.
    """
    return zlib.decompress(data).decode("utf-8", "surrogatepass")


def dehydrate(value: Any, texts: dict[str, str]) -> Any:  # noqa: ANN401 - any JSON value
    """Replace the long strings of a JSON tree by references.

    Args:
        value: The tree; it is not changed. Keys of objects stay as they are.
        texts: Filled with the texts taken out, by hash.

    Returns:
        The tree with references.
    """
    if isinstance(value, str):
        if len(value) < LONG:
            return value
        key = text_hash(value)
        texts[key] = value
        return {KEY: key}
    if isinstance(value, dict):
        lean = {key: dehydrate(item, texts) for key, item in value.items()}
        return {KEY: [lean[KEY]]} if _only_key(value) else lean
    if isinstance(value, list):
        return [dehydrate(item, texts) for item in value]
    return value


def references(value: Any) -> set[str]:  # noqa: ANN401 - any JSON value
    """Collect the hashes that a dehydrated tree refers to."""
    if isinstance(value, dict):
        if _only_key(value) and isinstance(value[KEY], str):
            return {value[KEY]}
        return set().union(*(references(item) for item in value.values()))
    if isinstance(value, list):
        return set().union(*(references(item) for item in value))
    return set()


def hydrate(value: Any, texts: Mapping[str, str]) -> Any:  # noqa: ANN401 - any JSON value
    """Undo ``dehydrate``.

    Args:
        value: The tree with references.
        texts: The texts by hash.

    Raises:
        KeyError: A text is missing.
    """
    if isinstance(value, dict):
        if _only_key(value):
            inner = value[KEY]
            return texts[inner] if isinstance(inner, str) else {KEY: hydrate(inner[0], texts)}
        return {key: hydrate(item, texts) for key, item in value.items()}
    if isinstance(value, list):
        return [hydrate(item, texts) for item in value]
    return value


def _only_key(value: dict[str, Any]) -> bool:
    return len(value) == 1 and KEY in value


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
