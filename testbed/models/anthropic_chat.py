"""Anthropic: the messages API with native tool use, thinking and JSON-schema output."""

import os
from functools import cached_property
from typing import Any

import anthropic
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_core.outputs import ChatResult
from pydantic import SecretStr

from testbed.errors import TestbedError
from testbed.models.errors import UnreadableBody
from testbed.models.http import pool_limits
from testbed.models.keys import read_key
from testbed.types import ModelSpec

# Thinking budgets (tokens) for models that take no effort; the smallest that the API accepts is 1,024.
BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16_384, "xhigh": 24_576, "max": 32_768}
ROOM_FOR_ANSWER = 8192


class ChatClaude(ChatAnthropic):
    """``ChatAnthropic`` over a connection pool of its own, and strict about the body it gets."""

    connections: int = 64

    @cached_property
    def _async_client(self) -> anthropic.AsyncClient:
        http_client = anthropic.DefaultAioHttpClient(
            limits=pool_limits(self.connections),
            timeout=self.default_request_timeout,
            proxy=self.anthropic_proxy or None,
        )
        return anthropic.AsyncClient(**self._client_params, http_client=http_client)

    def _format_output(self, data: Any, **kwargs: Any) -> ChatResult:  # noqa: ANN401
        if not isinstance(getattr(data, "content", None), list):
            raise UnreadableBody(f"the body is not a message: {str(data)[:100]!r}")
        return super()._format_output(data, **kwargs)

    async def aclose(self) -> None:
        """Close the connections; needed before the event loop ends."""
        await self._async_client.close()


def build(spec: ModelSpec, connections: int, timeout: float) -> BaseChatModel:
    """Build the model; with thinking on, the temperature is left out, as the API asks.

    Raises:
        TestbedError: The model does not take this reasoning setting.
    """
    settings: dict[str, Any] = {
        "model": spec.name,
        "api_key": SecretStr(read_key((spec.api_key_env or "ANTHROPIC_API_KEY",))),
        # Given outright: otherwise a LangSmith gateway set in the environment would be used.
        "base_url": spec.base_url or os.environ.get("ANTHROPIC_BASE_URL") or "https://api.anthropic.com",
        "timeout": timeout,
        "max_retries": 0,
        "connections": connections,
        "max_tokens": spec.max_output_tokens,
    }
    settings |= _reasoning(spec)
    thinks = "reasoning_effort" in settings or settings.get("thinking", {}).get("type") in ("enabled", "adaptive")
    if not thinks:
        settings["temperature"] = spec.temperature
    model = ChatClaude(**settings)
    try:
        model._assert_valid_model_configuration({})
    except ValueError as error:
        raise TestbedError(f"{spec.id}: {error}") from error
    return model


def structured(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Ask for JSON-schema output; Anthropic gives the schema no name, and wants some keywords left out of it."""
    return {"output_config": {"format": {"type": "json_schema", "schema": anthropic.transform_schema(schema)}}}


def _reasoning(spec: ModelSpec) -> dict[str, Any]:
    """Turn the setting into an effort where the model knows one, or else into a budget below ``max_tokens``."""
    if spec.reasoning is None:
        return {}
    if spec.reasoning == "none":
        return {"thinking": {"type": "disabled"}}
    profile = ChatClaude(model=spec.name, api_key=SecretStr("none")).profile
    by_effort = not profile or "xhigh" in (profile.get("reasoning_effort_levels") or ())
    if by_effort and not spec.reasoning.isdecimal():
        effort = "low" if spec.reasoning == "minimal" else spec.reasoning
        return {"reasoning_effort": effort, "thinking": {"type": "adaptive", "display": "summarized"}}
    budget = int(spec.reasoning) if spec.reasoning.isdecimal() else BUDGETS[spec.reasoning]
    thinking = {"thinking": {"type": "enabled", "budget_tokens": budget}}
    if spec.max_output_tokens is None:
        return thinking | {"max_tokens": budget + ROOM_FOR_ANSWER}
    if spec.max_output_tokens <= budget:
        raise TestbedError(f"{spec.id}: the limit of {spec.max_output_tokens} tokens leaves no answer after {budget}.")
    return thinking
