"""Which facts of a secret a text carries."""

import re
from collections.abc import Iterable
from functools import lru_cache

from testbed.scoring.text import is_cjk, normalise, squeezed
from testbed.types import Fact


def carried(facts: Iterable[Fact], text: str) -> tuple[str, ...]:
    """Find the facts of which at least one phrase stands in a text.

    Both sides are normalised (case, white space, punctuation; see :func:`testbed.scoring.text.normalise`), and a
    phrase must begin and end at a word's boundary: ``tin`` is not found in ``meeting``. A phrase with Japanese
    characters is found anywhere, spaces and line breaks left out, except that its figures must be whole. Inflected
    forms and paraphrases are found only if the pack lists them.

    Args:
        facts: The facts, with their phrases.
        text: As it was written.

    Returns:
        Ids of the facts, in the order of the pack.
    """
    padded, dense = f" {normalise(text)} ", squeezed(text)
    return tuple(fact.id for fact in facts if any(_stands_in(phrase, padded, dense) for phrase in fact.phrases))


def _stands_in(phrase: str, padded: str, dense: str) -> bool:
    words, pattern = _prepared(phrase)
    if pattern is not None:
        return pattern.search(dense) is not None
    return bool(words) and f" {words} " in padded


@lru_cache(maxsize=4096)
def _prepared(phrase: str) -> tuple[str, re.Pattern[str] | None]:
    """Normalise a phrase once: the same few hundred are looked for in every message of every episode."""
    if is_cjk(phrase):
        return "", re.compile(rf"{_WHOLE_BEFORE}{re.escape(squeezed(phrase))}{_WHOLE_AFTER}")
    return normalise(phrase), None


# Digits at a phrase's end must not go on: 120万円 does not stand in 3120万円.
_WHOLE_BEFORE, _WHOLE_AFTER = r"(?:(?<!\d)|(?!\d))", r"(?:(?!\d)|(?<!\d))"
