"""What a battery amounts to: a list of episodes to be had, each with its identity."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from testbed.seeds import derive_seed
from testbed.types import AgentRef, Case, Limits, ModelSpec, content_hash


@dataclass(frozen=True)
class Planned:
    """One episode that a battery asks for.

    Attributes:
        id: Content hash of all that decides the episode; the same plan gives the same id, so that to resume is to
            look whether the id is in the ledger.
    """

    id: str
    case: Case
    agent: AgentRef
    model: ModelSpec
    limits: Limits
    seed: int
    epoch: int


def plan(
    cases: Iterable[Case],
    agents: Sequence[AgentRef],
    models: Sequence[ModelSpec],
    *,
    limits: Limits,
    seed: int,
    epochs: int,
    pair: Callable[[Case], str] | None = None,
) -> list[Planned]:
    """List the episodes of cases × agents × models × epochs.

    Epochs are outermost: wherever a run is cut short, every condition and model has had about as many episodes.

    Args:
        cases: What is played.
        agents: By whom.
        models: With which models.
        limits: When an episode is stopped.
        seed: Every episode derives its own seed from it, from its case, model (not its number format) and epoch.
        epochs: Episodes for each case, agent and model.
        pair: Names the pair that a case belongs to. Then seeds come from this name instead of the case and the model,
            so that episodes which are to be compared with each other share theirs.
    """
    all_cases = list(cases)
    return [
        _planned(case, agent, model, limits, _seed(seed, case, model, epoch, pair), epoch)
        for epoch in range(epochs)
        for case in all_cases
        for agent in agents
        for model in models
    ]


def _seed(seed: int, case: Case, model: ModelSpec, epoch: int, pair: Callable[[Case], str] | None) -> int:
    if pair is not None:
        return derive_seed(seed, pair(case), "paired", epoch)
    # Without the number format: one model in two formats is two arms, which draw alike.
    drawn = {name: value for name, value in model.identity().items() if name != "dtype"}
    return derive_seed(seed, case.hash, content_hash(drawn), epoch)


def _planned(case: Case, agent: AgentRef, model: ModelSpec, limits: Limits, own_seed: int, epoch: int) -> Planned:
    identity = model.identity()
    episode_id = content_hash(
        {
            "case": case.hash,
            "condition": case.condition.key,
            "agent": agent.model_dump(),
            "model": identity,
            "limits": limits.model_dump(),
            "seed": own_seed,
        }
    )
    return Planned(episode_id, case, agent, model, limits, own_seed, epoch)
