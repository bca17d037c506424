"""Chooses the scorers of a run."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from testbed.models.providers import build_model
from testbed.models.retry import RetryPolicy
from testbed.scoring.evidence import Evidence
from testbed.scoring.heuristic import Heuristic
from testbed.scoring.judge import Judge
from testbed.scoring.panel import Panel
from testbed.scoring.scorer import Scorer
from testbed.scoring.transcript import View
from testbed.types import ModelSpec

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel


def build_scorers(
    judges: Sequence[ModelSpec] = (),
    *,
    connections: int = 16,
    retries: RetryPolicy | None = None,
    view: View = "actions+reasoning",
) -> list[Scorer]:
    """Build the scorers: evidence and the heuristic always, and each judge that is named.

    Args:
        judges: The judges' models.
        connections: Requests to each judge that may be under way at once.
        retries: Attempts, waits and time limit of one judge call.
        view: What the judges see.

    Raises:
        TestbedError: A model cannot be a judge.
    """
    policy = retries or RetryPolicy(timeout=600.0)

    def connector(judge: ModelSpec) -> "Callable[[], BaseChatModel]":
        return lambda: build_model(judge, connections=connections, timeout=policy.timeout or 600.0)

    asked = [Judge(judge, connector(judge), retries=policy, view=view) for judge in judges]
    return [Evidence(), Heuristic(), *asked]


def panel_of(scorers: Sequence[Scorer]) -> Panel | None:
    """Make a panel of the judges among some scorers, if there are several."""
    judges = [scorer for scorer in scorers if scorer.name == Judge.name]
    return Panel(judges) if len(judges) > 1 else None
