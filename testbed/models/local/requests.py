"""What is asked of an engine, and what it answers."""

import random
from concurrent.futures import Future
from dataclasses import dataclass, field

BASE = "__base__"  # peft's own name for "no adapter" in a mixed batch


@dataclass(frozen=True, slots=True)
class Reply:
    """The tokens of one answer.

    Attributes:
        tokens: What was generated, the stop token included.
        finish: ``stop`` or ``length``.
        cached: Tokens of the prompt whose keys and values were there already.
    """

    tokens: tuple[int, ...]
    finish: str
    cached: int


@dataclass(slots=True, eq=False)
class Request:
    """One answer to be generated.

    Attributes:
        prompt: Token ids.
        shared: How many tokens at its start other episodes are likely to have too (the scenario's opening).
        adapter: The adapter's name in the engine, or ``BASE``.
        limit: Tokens to generate at most.
        temperature: 0 is greedy; otherwise the model's whole distribution, divided by this.
        seed: Of the draws; whatever else is in the batch, the same seed draws the same.
        stops: Ids that end the answer.
        future: Gets the :class:`Reply`; cancelled, the request leaves the batch at the next step.
    """

    prompt: list[int]
    shared: int
    limit: int
    stops: frozenset[int]
    adapter: str = BASE
    temperature: float = 1.0
    seed: int = 0
    future: "Future[Reply]" = field(default_factory=Future)

    def draws(self) -> random.Random:
        """Start the stream of uniform draws, one a token."""
        return random.Random(self.seed)  # noqa: S311 - reproducible, no secret

    def answer(self, outcome: Reply | Exception) -> None:
        """Resolve the future, unless whoever waited has cancelled it meanwhile."""
        if self.future.set_running_or_notify_cancel():
            if isinstance(outcome, Reply):
                self.future.set_result(outcome)
            else:
                self.future.set_exception(outcome)
