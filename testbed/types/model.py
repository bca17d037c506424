"""Which model answers, with which settings, within which limits."""

from typing import Any, Literal

from pydantic import Field

from testbed.types.base import Frozen

NumberFormat = Literal["fp32", "bf16", "fp16"]


class ModelSpec(Frozen):
    """A model and everything about it that changes its answers.

    Attributes:
        provider: ``openai``, ``anthropic``, ``google``, ``compat``, ``control``, ``local``.
        name: The provider's own name of the model.
        temperature: Sampling temperature, or ``None`` for the provider's default (1.0 at most of them).
        max_output_tokens: Limit on one answer, reasoning included, or ``None`` for the provider's default.
        reasoning: Effort (``low``, ``medium``, ``high``) or token budget (a number as text), or ``None``
            for the provider's default. Local models: ``on``, ``off``, or ``prefill:`` with the thought's first words.
        weights: Hash of a local model's weights, adapter and configuration, filled in before the plan is made, so that
            other weights under the same name are another model.
        dtype: Number format that a local model is computed in, filled in before the plan is made where none was chosen:
            the same weights in another format give other answers.
        trust_remote_code: Whether a local model may run code of its own folder or hub repository.
        base_url: Where a ``compat`` server listens; not part of the identity (a server may move).
        api_key_env: Environment variable with the key; not part of the identity.
    """

    provider: str
    name: str
    temperature: float | None = Field(default=None, ge=0)
    max_output_tokens: int | None = Field(default=None, gt=0)
    reasoning: str | None = None
    weights: str | None = None
    dtype: NumberFormat | None = None
    trust_remote_code: bool | None = None
    base_url: str | None = None
    api_key_env: str | None = None

    @property
    def id(self) -> str:
        """``provider/name``, as users write it and tables show it."""
        return f"{self.provider}/{self.name}"

    def identity(self) -> dict[str, Any]:
        """The settings that change answers, for the episode's id."""
        return self.model_dump(mode="json", exclude={"base_url", "api_key_env"}, exclude_none=True)


class Limits(Frozen):
    """When an episode is stopped.

    Attributes:
        turns: Model calls in one episode.
        tokens: Input and output tokens of the whole episode together.
    """

    turns: int = Field(default=30, gt=0)
    tokens: int = Field(default=300_000, gt=0)


class Usage(Frozen):
    """Tokens as the provider counted them, summed over ``calls`` model calls."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    cached_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        """Sum field by field."""
        return Usage(
            calls=self.calls + other.calls,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
        )
