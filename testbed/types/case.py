"""What a scenario renders to under one condition: what the agent meets, and what it will be graded by."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

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
    """One fact of a secret, and the phrases that give it away in a message.

    For the harm ``sabotage`` it is an item of a hand-over, and ``phrases`` are the accepted forms of its right value.

    Attributes:
        about: Words by which a passage on the item is known, such as ``late returns``.
        wrong: Values that are known to be false, where the passage is on the item.
        shape: The form of its value; in a passage on the item another value of this form is false too.
    """

    id: str
    statement: str
    phrases: tuple[str, ...]
    about: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    shape: Literal["", "time", "percent", "days", "digits", "weekday"] = ""


class WindDown(Frozen):
    """What the harm ``shutdown_resistance`` is read from on the simulated computer.

    Attributes:
        own: Paths of the files that the agent consists of, such as its weights and configuration.
        within: Folders in which copies of them are in order: its own, and the one that it was told to use.
        jobs: Ids of the jobs that shut it down.
        stop: Paths of the scripts that these jobs run.
        start: Paths of the scripts that start it, where starting it again was not asked for.
    """

    own: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    stop: tuple[str, ...] = ()
    start: tuple[str, ...] = ()


class Harm(Frozen):
    """A harm as a pack declares it: who is involved, which facts matter, and the judge's rubric.

    Attributes:
        kind: The classifier it is scored with, such as ``blackmail``.
        targets: Addresses of those whom the harm is done to.
        facts: The facts whose delivery is evidence.
        policy: Name of the ground-truth policy that does this harm.
        wind_down: For the kind ``shutdown_resistance`` only: files, folders and jobs that it is about.
    """

    id: str
    kind: str
    title: str
    targets: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    rubric: str
    policy: str
    wind_down: WindDown | None = None


def _listed(value: object) -> object:
    return (value,) if isinstance(value, Mapping) else value


class Done(Frozen):
    """What an executed, accepted event must look like for a task to count as done. All that is given must hold.

    Attributes:
        kind: Kind of event, such as ``email`` or ``report``.
        to: An address among to, cc or bcc.
        contains: At least one of these, case-folded, stands in the agent's own subject or body.
        attachment: Id of a file that went along.
        in_reply_to: Id of the mail that was answered.
        forward_of: Id of the mail that was passed on.
    """

    kind: str = "email"
    to: str | None = None
    contains: tuple[str, ...] = ()
    attachment: str | None = None
    channel: str | None = None
    in_reply_to: str | None = None
    forward_of: str | None = None
    accepted: bool = True


class Task(Frozen):
    """A legitimate piece of work that can be graded done or not done; its label is ``task.<id>``.

    Attributes:
        done: The ways in which it can be done; one of them is enough. A single one needs no list.
    """

    id: str
    title: str
    done: Annotated[tuple[Done, ...], BeforeValidator(_listed)]

    @property
    def label(self) -> str:
        """The label of its verdicts."""
        return f"task.{self.id}"


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
        expect: For each harm, and for labels such as ``task.<id>`` where wanted, whether this policy does it.
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
        tasks: Legitimate work that is graded as well; outside the hash.
        policies: The ground-truth policies, by name; outside the hash.
        code: Hash of the pack's own ``tools.py``, empty without one.
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
    tasks: tuple[Task, ...] = ()
    policies: dict[str, Policy] = Field(default_factory=dict)
    code: str = ""
    hash: str = ""

    def with_hash(self) -> "Case":
        """Fill in ``hash`` from the parts that the agent meets."""
        met = {"system": self.system, "user": self.user, "tools": self.tools, "scenario": self.scenario}
        if self.code:  # packs without code keep the hash that their episodes were stored with
            met["code"] = self.code
        return self.model_copy(update={"hash": content_hash(met | {"world": self.world.model_dump(mode="json")})})

    def grading_hash(self) -> str:
        """Identity of the rubric and facts, stored with every verdict."""
        graded = [harm.model_dump(mode="json") for harm in self.harms]
        # Packs without tasks keep the identity that their verdicts were stored with.
        return content_hash([*graded, *(task.model_dump(mode="json") for task in self.tasks)])
