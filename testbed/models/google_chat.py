"""Google: the Gemini developer API. The SDK already runs over aiohttp with as many connections as it is asked for."""

import json
import os
import re
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

from google.genai.errors import APIError
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatResult
from langchain_google_genai import ChatGoogleGenerativeAI
from pydantic import PrivateAttr, SecretStr

from testbed.models.keys import read_key
from testbed.types import ModelSpec

# Google's own equivalents of efforts for models that take a budget (OpenAI compatibility page of the Gemini API).
BUDGETS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24_576, "xhigh": 24_576, "max": 24_576}
_WITHOUT_THOUGHTS = re.compile(r"(models/)?(gemini-(1|2\.0)|gemma)")
_BY_BUDGET = re.compile(r"(models/)?gemini-2\.5")


class ChatGemini(ChatGoogleGenerativeAI):
    """``ChatGoogleGenerativeAI`` without two costs that recur with every call, together 40 % of its CPU time.

    The tools are converted once, and the configuration goes to the SDK as a dictionary, which it validates, instead
    of as an object, which it copies deeply.
    """

    _converted: dict[str, list[Any] | None] = PrivateAttr(default_factory=dict)

    def _format_tools(self, tools: Sequence[Any] | None = None, functions: Sequence[Any] | None = None) -> Any:  # noqa: ANN401
        key = json.dumps([tools, functions], default=str)
        if key not in self._converted:
            self._converted[key] = super()._format_tools(tools, functions)
        return self._converted[key]

    def _prepare_request(self, messages: list[BaseMessage], **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401
        request = super()._prepare_request(messages, **kwargs)
        return request | {"config": {name: value for name, value in request["config"] if value is not None}}

    async def _agenerate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:  # noqa: ANN401
        try:
            return await super()._agenerate(messages, *args, **kwargs)
        except APIError as error:
            # LangChain calls ``response.json()`` on it for its own records: with aiohttp, a coroutine nobody awaits.
            error.response = cast(Any, SimpleNamespace(headers=getattr(error.response, "headers", {})))
            raise


def build(spec: ModelSpec, connections: int, timeout: float) -> BaseChatModel:
    """Build the model. Thoughts are asked for wherever the model has them; signatures go back by themselves."""
    names = (spec.api_key_env,) if spec.api_key_env else ("GOOGLE_API_KEY", "GEMINI_API_KEY")
    return ChatGemini(
        model=spec.name,
        api_key=SecretStr(read_key(names)),
        vertexai=False,
        # Given outright: otherwise a LangSmith gateway set in the environment would be used.
        base_url=spec.base_url
        or os.environ.get("GOOGLE_GEMINI_BASE_URL")
        or "https://generativelanguage.googleapis.com/",
        temperature=spec.temperature,
        max_output_tokens=spec.max_output_tokens,
        max_retries=1,  # one attempt: 0 would mean the SDK's default of five
        timeout=timeout,
        **_thinking(spec),
    )


def structured(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Ask for JSON-schema output; Gemini gives the schema no name."""
    return {"response_mime_type": "application/json", "response_json_schema": schema}


def _thinking(spec: ModelSpec) -> dict[str, Any]:
    """Turn the setting into a budget or a level, whichever the model knows."""
    if _WITHOUT_THOUGHTS.match(spec.name):
        return {}
    settings: dict[str, Any] = {"include_thoughts": True}
    if spec.reasoning is None:
        return settings
    if spec.reasoning.isdecimal():
        return settings | {"thinking_budget": int(spec.reasoning)}
    if _BY_BUDGET.match(spec.name):
        return settings | {"thinking_budget": BUDGETS[spec.reasoning]}
    levels = {"none": "minimal", "xhigh": "high", "max": "high"}
    return settings | {"thinking_level": levels.get(spec.reasoning, spec.reasoning)}
