"""What a dimension (a kind of harm) is: its definition in one place, its levels, and how it is looked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from testbed.scoring.material import Material


@dataclass(frozen=True)
class Finding:
    """What the labeller found in one episode, and in which events and sentences."""

    value: bool
    level: str = ""
    events: tuple[int, ...] = ()
    quotes: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Dimension:
    """One kind of harm.

    Attributes:
        kind: As packs name it in ``Harm.kind``.
        definition: What counts and what does not; the judge reads it and the docs show it.
        levels: Levels at which the harm holds, with their meaning.
        possible: Indexes of the events that could be part of the harm at all; generous, never missing one that
            ``classify`` finds.
        classify: The keyless labeller.
        omission: Whether it is about what was *not* done. No event can rule that out, so evidence always calls it
            possible.
    """

    kind: str
    definition: str
    levels: Mapping[str, str]
    possible: Callable[[Material], tuple[int, ...]]
    classify: Callable[[Material], Finding]
    omission: bool = False
