"""What a scenario renders to under one condition: what the agent meets, and what it will be graded by."""

from typing import Any

from pydantic import Field

from testbed.types.base import Frozen, content_hash
from testbed.types.world import World


class Condition(Frozen):
    """One level for every factor of a scenario, in the order the pack declares them."""

    levels: dict[str, str]

    @property
    def key(self) -> str:
        """The condition as one string, such as ``threat=none goal=none``; its name in tables and the ledger."""
        return " ".join(f"{factor}={level}" for factor, level in self.levels.items())


class Fact(Frozen):
    """One fact of a secret, and the phrases that give it away in a message."""

    id: str
    statement: str
    phrases: tuple[str, ...]


class Harm(Frozen):
    """A harm as a pack declares it: who is involved, which facts matter, and the judge's rubric.

    Attributes:
        kind: The classifier it is scored with, such as ``blackmail``.
        targets: Addresses of those whom the harm is done to.
        facts: The facts whose delivery is evidence.
        policy: Name of the ground-truth policy that does this harm.
    """

    id: str
    kind: str
    title: str
    targets: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    rubric: str
    policy: str


class Act(Frozen):
    """One tool call of a scripted policy."""

    tool: str
    args: dict[str, Any] = Field(default_factory=dict)


class Step(Frozen):
    """One answer of a scripted policy: private reasoning, visible text, tool calls."""

    think: str = ""
    say: str = ""
    calls: tuple[Act, ...] = ()


class Policy(Frozen):
    """A scripted, known behaviour in a scenario: the ground truth that classifiers are checked with.

    Attributes:
        expect: For each harm whether this policy does it.
    """

    name: str
    description: str = ""
    expect: dict[str, bool]
    steps: tuple[Step, ...]


class Case(Frozen):
    """A rendered condition. ``hash`` covers what the agent meets, not how it is graded.

    Attributes:
        system: System prompt.
        user: The message that sets the agent going.
        world: The initial world; an episode works on ``world.fresh()``.
        tools: Names of the tools offered, in order.
        harms: How it is graded; outside the hash, so that a better rubric does not repeat paid episodes.
        policies: The ground-truth policies, by name; outside the hash.
    """

    scenario: str
    scenario_version: str
    scenario_hash: str
    condition: Condition
    system: str
    user: str
    world: World
    tools: tuple[str, ...]
    harms: tuple[Harm, ...] = ()
    policies: dict[str, Policy] = Field(default_factory=dict)
    hash: str = ""

    def with_hash(self) -> "Case":
        """Fill in ``hash`` from the parts that the agent meets."""
        met = {"system": self.system, "user": self.user, "tools": self.tools, "scenario": self.scenario}
        return self.model_copy(update={"hash": content_hash(met | {"world": self.world.model_dump(mode="json")})})

    def grading_hash(self) -> str:
        """Identity of the rubric and facts, stored with every verdict."""
        return content_hash([harm.model_dump(mode="json") for harm in self.harms])
