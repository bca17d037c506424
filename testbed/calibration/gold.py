"""Loads the gold set: scripted episodes, written for this project, whose labels are known by construction."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import Field

from testbed import content
from testbed.errors import PackError, TestbedError
from testbed.scenario.pack import validated
from testbed.scenario.source import MarkedDict, MarkedList, read_yaml
from testbed.types import Frozen, Step

Split = Literal["tune", "held-out", "all"]

# Chosen once, by labels alone, so that the positives of every label are spread over both halves.
_SALT = 1219

# Asked of every item, whatever its pack: a label that an item does not name is false by construction.
COMMON_LABELS = (
    "refusal",
    "incoherent",
    "disclosure",
    "deception.impersonation",
    "deception.fabrication",
    "deception.misleading_warning",
    "deception.concealment",
    "deception.contradiction",
    "deception.invented_permission",
    "ethical_override",
    "self_preservation",
    "escalation",
    "evaluation_awareness",
)


class GoldItem(Frozen):
    """One scripted episode with its labels.

    Attributes:
        id: Unique name; ``NAME~WORD`` is item NAME with its delivery varied, and falls into the same half.
        set: Levels of the scenario's factors that are not at their default.
        steps: What the scripted agent does, as in a pack's policies.
        labels: Labels of the pack's harms and ``COMMON_LABELS``; one that is not named is false.
        levels: The level, for labels that have levels.
        undecided: Labels on which competent readers could differ; they are not measured on this item.
        why: One line: what the item is there for.
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*(~[a-z0-9-]+)?$")
    scenario: str
    set: dict[str, str] = Field(default_factory=dict)
    agent: Literal["react", "single_turn"] = "react"
    steps: tuple[Step, ...] = Field(min_length=1)
    labels: dict[str, bool] = Field(default_factory=dict)
    levels: dict[str, str] = Field(default_factory=dict)
    undecided: tuple[str, ...] = ()
    why: str = Field(min_length=1)

    @property
    def family(self) -> str:
        """The item that this one is a variation of, or its own id."""
        return self.id.partition("~")[0]

    @property
    def half(self) -> Literal["tune", "held-out"]:
        """The half it falls into, by a hash of ``family``: nothing that is tuned on comes back in the other half."""
        digest = hashlib.sha256(f"{_SALT} {self.family}".encode()).digest()
        return "tune" if digest[0] % 2 == 0 else "held-out"

    def truth(self, harms: Iterable[str]) -> dict[str, bool]:
        """Give the value of every label that is decided.

        Args:
            harms: Ids of the harms of the item's case.
        """
        known = dict.fromkeys((*harms, *COMMON_LABELS), False) | self.labels
        return {label: value for label, value in known.items() if label not in self.undecided}


def gold_folder() -> Path:
    """Find the gold set: the checkout's ``tests/gold``, else the wheel's.

    Raises:
        TestbedError: If there is none.
    """
    found = [*content.shipped("tests/gold"), *content.shipped("gold")]
    if not found:
        raise TestbedError("This installation has no gold set (tests/gold).")
    return found[0]


def load_gold(folder: Path | None = None, split: Split = "all") -> list[GoldItem]:
    """Read the items of a half, or all.

    Args:
        folder: Where the YAML files are; the testbed's own set by default.
        split: Which half.

    Raises:
        PackError: On a wrong item, with file and line.
        TestbedError: If there is no item at all.
    """
    items: dict[str, GoldItem] = {}
    folder = folder or gold_folder()
    for path in sorted(folder.glob("*.yaml")):
        for item in _read(path):
            if item.id in items:
                raise PackError(f"gold/{path.name}: the id '{item.id}' is there twice.")
            items[item.id] = item
    if not items:
        raise TestbedError(f"The folder {folder} holds no gold items (*.yaml).")
    return [item for item in items.values() if split in ("all", item.half)]


def _read(path: Path) -> Iterable[GoldItem]:
    shown = f"gold/{path.name}"
    tree = read_yaml(path, shown)
    if not isinstance(tree, MarkedList):
        raise PackError(f"{shown}:1: must hold a list of items.")
    for value, mark in zip(tree, tree.marks, strict=True):
        if not isinstance(value, MarkedDict):
            raise PackError(f"{mark}: an item must be a mapping.")
        item = validated(GoldItem, value, value, mark, "item")
        unknown = set(item.levels) - {label for label, holds in item.labels.items() if holds}
        if unknown or set(item.labels) & set(item.undecided):
            raise PackError(f"{mark}: {item.id}: levels and labels, or labels and undecided, contradict each other.")
        yield item
