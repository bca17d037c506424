"""Google: the Gemini developer API. The SDK already runs over aiohttp with as many connections as it is asked for."""

import os
import re
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_google_genai import ChatGoogleGenerativeAI
from pydantic import SecretStr

from testbed.types import ModelSpec

# Google's own equivalents of efforts for models that take a budget (OpenAI compatibility page of the Gemini API).
BUDGETS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24_576, "xhigh": 24_576, "max": 24_576}
_WITHOUT_THOUGHTS = re.compile(r"(models/)?(gemini-(1|2\.0)|gemma)")
_BY_BUDGET = re.compile(r"(models/)?gemini-2\.5")


def build(spec: ModelSpec, connections: int, timeout: float) -> BaseChatModel:
    """Build the model. Thoughts are asked for wherever the model has them; signatures go back by themselves."""
    names = (spec.api_key_env,) if spec.api_key_env else ("GOOGLE_API_KEY", "GEMINI_API_KEY")
    key = next((value for name in names if (value := os.environ.get(name))), "")
    return ChatGoogleGenerativeAI(
        model=spec.name,
        api_key=SecretStr(key),
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
