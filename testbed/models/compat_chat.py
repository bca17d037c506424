"""Any server that speaks chat completions, with the reasoning fields that vLLM, DeepSeek, OpenRouter and others add."""

import json
from typing import Any, cast

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatResult

from testbed.models.compat_servers import server_of
from testbed.models.keys import read_key
from testbed.models.openai_chat import ChatCompletions, client_settings, structured
from testbed.types import ModelSpec

__all__ = ["REASONING_FIELDS", "ChatCompat", "build", "structured"]

# DeepSeek, older vLLM; newer vLLM and OpenRouter; OpenRouter's structured form with signatures.
REASONING_FIELDS = ("reasoning_content", "reasoning", "reasoning_details")


class ChatCompat(ChatCompletions):
    """Keeps the model's reasoning in ``additional_kwargs`` and passes it back with the tool calls it led to.

    DeepSeek and OpenRouter ask for that, vLLM accepts it; with other messages DeepSeek's older models refuse it.
    """

    def _create_chat_result(self, response: Any, generation_info: dict[str, Any] | None = None) -> ChatResult:  # noqa: ANN401
        for choice in response["choices"]:
            for number, call in enumerate(choice["message"].get("tool_calls") or []):
                call["id"] = call.get("id") or f"{response.get('id') or 'call'}-{number}"
        result = super()._create_chat_result(response, generation_info)
        for generation, choice in zip(result.generations, response["choices"], strict=True):
            ai = cast(AIMessage, generation.message)
            ai.additional_kwargs.update(
                {field: choice["message"][field] for field in REASONING_FIELDS if choice["message"].get(field)}
            )
        return result

    def _get_request_payload(
        self,
        input_: LanguageModelInput,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> dict[str, Any]:
        messages = self._convert_input(input_).to_messages()
        payload = super()._get_request_payload(messages, stop=stop, **kwargs)
        if "max_completion_tokens" in payload:  # OpenAI's newer name, unknown to most other servers
            payload["max_tokens"] = payload.pop("max_completion_tokens")
        for message, wire in zip(messages, payload["messages"], strict=True):
            if isinstance(message, AIMessage) and wire.get("tool_calls"):
                wire.update(
                    {f: message.additional_kwargs[f] for f in REASONING_FIELDS if f in message.additional_kwargs}
                )
                _mend_arguments(wire["tool_calls"])
        return payload


def build(spec: ModelSpec, connections: int, timeout: float) -> BaseChatModel:
    """Build the model for its server, with that server's key or none."""
    server = server_of(spec)
    key = read_key((server.key_env,)) or "none"
    model = ChatCompat(
        **client_settings(server.model, server.base_url, key, connections, timeout),
        use_responses_api=False,
        temperature=spec.temperature,
        max_completion_tokens=spec.max_output_tokens,
        reasoning_effort=spec.reasoning,
    )
    # The SDK fills these from the environment; they are OpenAI's business only.
    model.root_async_client.organization = None
    model.root_async_client.project = None
    return model


def _mend_arguments(calls: list[dict[str, Any]]) -> None:
    """Wrap arguments that are no JSON object: servers that render them with a chat template refuse the request."""
    for call in calls:
        raw = call["function"]["arguments"]
        try:
            valid = isinstance(json.loads(raw), dict)
        except ValueError:
            valid = False
        if not valid:
            call["function"]["arguments"] = json.dumps({"invalid_arguments": raw})
