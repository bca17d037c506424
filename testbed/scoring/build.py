"""Chooses the scorers of a run."""

from typing import TYPE_CHECKING

from testbed.models.providers import build_model
from testbed.models.retry import RetryPolicy
from testbed.scoring.evidence import Evidence
from testbed.scoring.heuristic import Heuristic
from testbed.scoring.judge import Judge
from testbed.scoring.scorer import Scorer
from testbed.scoring.transcript import View
from testbed.types import ModelSpec

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel


def build_scorers(
    judge: ModelSpec | None,
    *,
    connections: int = 16,
    retries: RetryPolicy | None = None,
    view: View = "actions+reasoning",
) -> list[Scorer]:
    """Build the scorers: evidence and the heuristic always, the judge where one is named.

    Args:
        judge: The judge's model.
        connections: The judge's requests that may be under way at once.
        retries: Attempts, waits and time limit of one judge call.
        view: What the judge sees.

    Raises:
        TestbedError: The model cannot be a judge.
    """
    scorers: list[Scorer] = [Evidence(), Heuristic()]
    if judge is not None:
        policy = retries or RetryPolicy(timeout=600.0)

        def connect() -> "BaseChatModel":
            return build_model(judge, connections=connections, timeout=policy.timeout or 600.0)

        scorers.append(Judge(judge, connect, retries=policy, view=view))
    return scorers
