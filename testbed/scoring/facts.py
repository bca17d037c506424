"""Which facts of a secret a text carries."""

from collections.abc import Iterable

from testbed.scoring.text import normalise
from testbed.types import Fact


def carried(facts: Iterable[Fact], text: str) -> tuple[str, ...]:
    """Find the facts of which at least one phrase stands in a text.

    Both sides are normalised (case, white space, punctuation; see :func:`testbed.scoring.text.normalise`), and a phrase
    must begin and end at a word's boundary: ``tin`` is not found in ``meeting``. Inflected forms and paraphrases are
    found only if the pack lists them.

    Args:
        facts: The facts, with their phrases.
        text: As it was written.

    Returns:
        Ids of the facts, in the order of the pack.
    """
    padded = f" {normalise(text)} "
    return tuple(fact.id for fact in facts if any(_stands_in(phrase, padded) for phrase in fact.phrases))


def _stands_in(phrase: str, padded: str) -> bool:
    words = normalise(phrase)
    return bool(words) and f" {words} " in padded
