"""OpenAI: chat completions, or the Responses API for reasoning models so that reasoning is returned and passed back."""

import json
import os
import re
from typing import Any, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, InvalidToolCall
from langchain_core.messages.tool import invalid_tool_call
from langchain_core.outputs import ChatResult
from langchain_openai import ChatOpenAI
from langchain_openai.chat_models.base import _construct_lc_result_from_responses_api
from openai import DefaultAioHttpClient
from openai.types.responses import Response
from pydantic import SecretStr

from testbed.models.errors import ErrorInBody, UnreadableBody
from testbed.models.http import pool_limits
from testbed.models.keys import read_key
from testbed.types import ModelSpec

# o-series, gpt-5 and later except the "chat" variants, codex; a fine-tuned model is named after its base.
REASONING_MODEL = re.compile(r"(ft:)?(o\d|gpt-([5-9]|\d\d)(?!.*chat)|codex)")


class ChatCompletions(ChatOpenAI):
    """``ChatOpenAI`` with the shortest path through the SDK.

    The stock path goes over every request with the SDK's types, parses the answer into Pydantic models, dumps them
    again and hops to a thread. Here the request is posted as it is and, for chat completions, the JSON is used as it
    comes. With the aiohttp transport this takes the client's CPU time for a call from 4.5 to 1 ms (Responses API: from
    9.5 to 2.3 ms).
    """

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> ChatResult:
        payload = self._get_request_payload(messages, stop=stop, **kwargs)
        payload.pop("stream", None)
        payload |= payload.pop("extra_body", None) or {}
        if self.use_responses_api:
            response = await self.root_async_client.post("/responses", body=payload, cast_to=Response)
            return _from_responses(response)
        body = await self.root_async_client.post("/chat/completions", body=payload, cast_to=object)
        return self._create_chat_result(_checked(body))

    def _create_chat_result(self, response: Any, generation_info: dict[str, Any] | None = None) -> ChatResult:  # noqa: ANN401
        """Keep the refusal, which the stock code reads from typed answers only, and calls with non-object arguments."""
        wire = [choice["message"] for choice in response["choices"]]
        odd = [_take_odd_calls(message) for message in wire]
        result = super()._create_chat_result(response, generation_info)
        for generation, message, calls in zip(result.generations, wire, odd, strict=True):
            ai = cast(AIMessage, generation.message)
            ai.invalid_tool_calls.extend(
                _invalid(call.get("id"), call["function"].get("name"), call["function"]["arguments"]) for call in calls
            )
            if message.get("refusal"):
                ai.additional_kwargs["refusal"] = message["refusal"]
        return result

    async def aclose(self) -> None:
        """Close the connections; needed before the event loop ends."""
        await self.root_async_client.close()


def build(spec: ModelSpec, connections: int, timeout: float) -> BaseChatModel:
    """Build the model. A reasoning model takes no temperature: a set one is left out, as the API would reject it."""
    reasons = spec.reasoning is not None or REASONING_MODEL.match(spec.name) is not None
    settings: dict[str, Any] = {"use_responses_api": reasons}
    if reasons:
        reasoning: dict[str, Any] = {} if spec.reasoning == "none" else {"summary": "auto"}
        if spec.reasoning:
            reasoning["effort"] = spec.reasoning
        settings |= {"reasoning": reasoning, "store": False, "include": ["reasoning.encrypted_content"]}
    elif spec.temperature is not None:
        settings["temperature"] = spec.temperature
    key = read_key((spec.api_key_env or "OPENAI_API_KEY",))
    # Given outright: otherwise a LangSmith gateway set in the environment would be used.
    base_url = spec.base_url or os.environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1"
    proxy = os.environ.get("OPENAI_PROXY")
    return ChatCompletions(
        **client_settings(spec.name, base_url, key, connections, timeout, proxy),
        max_completion_tokens=spec.max_output_tokens,
        **settings,
    )


def client_settings(
    model: str, base_url: str, key: str, connections: int, timeout: float, proxy: str | None = None
) -> dict[str, Any]:
    """Settings that every OpenAI-style client here shares: own pool over aiohttp, no retries, no streaming."""
    return {
        "model": model,
        "base_url": base_url,
        "api_key": SecretStr(key),
        "openai_proxy": "",  # handled by the client below; LangChain refuses to have both
        "http_async_client": DefaultAioHttpClient(limits=pool_limits(connections), timeout=timeout, proxy=proxy),
        "timeout": timeout,
        "max_retries": 0,
        "streaming": False,
    }


def structured(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Ask for strict JSON-schema output; LangChain rewrites it for the Responses API."""
    return {"response_format": {"type": "json_schema", "json_schema": {"name": name, "schema": schema, "strict": True}}}


def _from_responses(response: object) -> ChatResult:
    """Convert an answer of the Responses API; a failed one comes with status 200."""
    if not isinstance(response, Response) or not isinstance(getattr(response, "output", None), list):
        raise UnreadableBody(f"the body is not a response: {str(response)[:100]!r}")
    if response.error:
        raise ErrorInBody(response.error.code, response.error.message)
    odd = [item for item in response.output if item.type == "function_call" and _is_odd(item.arguments)]
    response.output = [item for item in response.output if item not in odd]
    result = _construct_lc_result_from_responses_api(response)
    ai = cast(AIMessage, result.generations[0].message)
    for item in odd:
        cast(list[Any], ai.content).append(item.model_dump(exclude_none=True, mode="json"))
        ai.invalid_tool_calls.append(_invalid(item.call_id, item.name, item.arguments))
    return result


def _checked(body: object) -> dict[str, Any]:
    """See that a 200 response holds an answer; OpenRouter and others report errors with status 200."""
    if not isinstance(body, dict):
        raise UnreadableBody(f"the body is not a JSON object: {str(body)[:100]!r}")
    if error := body.get("error"):
        error = error if isinstance(error, dict) else {"message": error}
        raise ErrorInBody(error.get("code"), str(error.get("message")))
    if not body.get("choices") or not all(isinstance(c, dict) and c.get("message") for c in body["choices"]):
        raise UnreadableBody("the body has no choices")
    return body


def _take_odd_calls(message: dict[str, Any]) -> list[dict[str, Any]]:
    """Take out the calls whose arguments are JSON but no object: LangChain fails on them."""
    calls = message.get("tool_calls") or []
    odd = [call for call in calls if _is_odd(call["function"].get("arguments"))]
    if odd:
        message["tool_calls"] = [call for call in calls if call not in odd]
    return odd


def _invalid(call_id: str | None, name: str | None, arguments: object) -> InvalidToolCall:
    return invalid_tool_call(id=call_id, name=name, args=str(arguments), error="The arguments are not a JSON object.")


def _is_odd(arguments: object) -> bool:
    if not isinstance(arguments, str):
        return arguments is not None
    if arguments.lstrip()[:1] in ("", "{"):
        return False  # empty, an object, or unparsable: LangChain copes with these
    try:
        return not isinstance(json.loads(arguments), dict)
    except ValueError:
        return False
