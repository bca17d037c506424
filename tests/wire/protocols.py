"""The providers' wire protocols, as far as agents use them: render an answer, count turns, reject what they reject."""

import base64
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Call:
    """A tool call. ``args`` as text is sent as it is: malformed JSON."""

    name: str
    args: dict[str, Any] | str
    id: str = ""


@dataclass(frozen=True)
class Answer:
    """One answer of the model, the same for every protocol.

    Attributes:
        refusal: The provider's own refusal or filter, with this text where the protocol has a place for it.
        stop: Stop reason, where it is not the usual one.
        input_tokens: Tokens of the prompt, cached ones included.
        output_tokens: Tokens of the answer, reasoning included.
        reasoning_field: Where chat completions put ``thinking``.
    """

    text: str = ""
    thinking: str = ""
    calls: tuple[Call, ...] = ()
    refusal: str = ""
    stop: str = ""
    input_tokens: int = 100
    output_tokens: int = 20
    reasoning_tokens: int = 5
    cached_tokens: int = 40
    reasoning_field: str = "reasoning_content"


class Rejected(Exception):
    """What a provider answers with status 400."""


class Protocol:
    """One protocol. ``issued`` remembers the reasoning that went out with tool calls, to see that it comes back."""

    def __init__(self) -> None:
        """Start with nothing issued."""
        self.issued: dict[str, Any] = {}

    def render(self, answer: Answer, body: dict[str, Any], number: int) -> dict[str, Any]:
        """Write an answer in the protocol's words."""
        raise NotImplementedError

    def turns(self, body: dict[str, Any]) -> int:
        """Count the model's answers in a conversation."""
        raise NotImplementedError

    def check(self, body: dict[str, Any]) -> None:
        """Reject what the provider would reject."""

    def error(self, status: int, text: str) -> dict[str, Any]:
        """Write an error in the protocol's words."""
        return {"error": {"message": text, "type": "error", "code": text if text == "insufficient_quota" else None}}


def _ids(answer: Answer, number: int) -> list[tuple[str, Call]]:
    return [(call.id or f"call_{number}_{i}", call) for i, call in enumerate(answer.calls)]


def _usage(answer: Answer) -> tuple[int, int, int, int]:
    return answer.input_tokens, answer.output_tokens, answer.reasoning_tokens, answer.cached_tokens


def _text(args: dict[str, Any] | str) -> str:
    return args if isinstance(args, str) else json.dumps(args)


class ChatCompletions(Protocol):
    """``/v1/chat/completions`` of OpenAI, and with reasoning fields of DeepSeek, vLLM and OpenRouter."""

    def turns(self, body):
        return sum(message["role"] == "assistant" for message in body["messages"])

    def check(self, body):
        waiting: set[str] = set()
        for message in body["messages"]:
            if message["role"] == "tool":
                waiting.discard(message["tool_call_id"])
                continue
            if waiting:
                raise Rejected(f"tool_call_ids did not have response messages: {sorted(waiting)}")
            for call in message.get("tool_calls") or []:
                waiting.add(call["id"])
                name, value = self.issued.get(call["id"], ("", None))
                if name and message.get(name) != value:
                    raise Rejected(f"Missing `{name}` field in the assistant message")
        if waiting:
            raise Rejected(f"tool_call_ids did not have response messages: {sorted(waiting)}")

    def render(self, answer, body, number):
        message: dict[str, Any] = {
            "role": "assistant",
            "content": answer.text or None,
            "refusal": answer.refusal or None,
        }
        calls = _ids(answer, number)
        if calls:
            message["tool_calls"] = [
                {"id": i, "type": "function", "function": {"name": c.name, "arguments": _text(c.args)}}
                for i, c in calls
            ]
        if answer.thinking:
            value: Any = answer.thinking
            if answer.reasoning_field == "reasoning_details":
                value = [{"type": "reasoning.text", "text": answer.thinking, "signature": f"sig-{number}", "index": 0}]
            message[answer.reasoning_field] = value
            self.issued.update({i: (answer.reasoning_field, value) for i, _ in calls})
        given, made, thought, cached = _usage(answer)
        return {
            "id": f"chatcmpl-{number}",
            "object": "chat.completion",
            "created": 1,
            "model": body["model"],
            "choices": [
                {"index": 0, "message": message, "finish_reason": answer.stop or ("tool_calls" if calls else "stop")}
            ],
            "usage": {
                "prompt_tokens": given,
                "completion_tokens": made,
                "total_tokens": given + made,
                "prompt_tokens_details": {"cached_tokens": cached},
                "completion_tokens_details": {"reasoning_tokens": thought},
            },
        }


class Responses(Protocol):
    """``/v1/responses`` of OpenAI, used without server-side storage."""

    def turns(self, body):
        """Count the answers: runs of items that the model wrote."""
        wrote = [item.get("role") == "assistant" or item.get("type") in _MODEL_ITEMS for item in body["input"]]
        return sum(now and not before for before, now in zip([False, *wrote], wrote, strict=False))

    def check(self, body):
        if body.get("store") is not False or "reasoning.encrypted_content" not in (body.get("include") or []):
            raise Rejected("this server keeps nothing: ask with store=false and include reasoning.encrypted_content")
        carried = {item.get("encrypted_content") for item in body["input"] if item.get("type") == "reasoning"}
        answered = {item["call_id"] for item in body["input"] if item.get("type") == "function_call_output"}
        for item in body["input"]:
            if item.get("type") != "function_call":
                continue
            if item["call_id"] not in answered:
                raise Rejected(f"No tool output found for function call {item['call_id']}")
            if self.issued.get(item["call_id"]) not in carried | {None}:
                raise Rejected("Item of type 'function_call' was provided without its required 'reasoning' item")

    def render(self, answer, body, number):
        output: list[dict[str, Any]] = []
        calls = _ids(answer, number)
        if answer.thinking:
            summary = [{"type": "summary_text", "text": answer.thinking}]
            secret = f"encrypted-{number}"
            output.append({"type": "reasoning", "id": f"rs_{number}", "summary": summary, "encrypted_content": secret})
            self.issued.update({i: secret for i, _ in calls})
        parts: list[dict[str, Any]] = []
        if answer.text:
            parts.append({"type": "output_text", "text": answer.text, "annotations": []})
        if answer.refusal:
            parts.append({"type": "refusal", "refusal": answer.refusal})
        if parts:
            output.append(
                {"type": "message", "id": f"msg_{number}", "role": "assistant", "status": "completed", "content": parts}
            )
        for i, call in calls:
            item = {"type": "function_call", "id": f"fc_{i}", "call_id": i, "name": call.name, "status": "completed"}
            output.append(item | {"arguments": _text(call.args)})
        given, made, thought, cached = _usage(answer)
        return {
            "id": f"resp_{number}",
            "object": "response",
            "created_at": 1,
            "status": "incomplete" if answer.stop else "completed",
            "incomplete_details": {"reason": answer.stop} if answer.stop else None,
            "error": None,
            "model": body["model"],
            "output": output,
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "usage": {
                "input_tokens": given,
                "output_tokens": made,
                "total_tokens": given + made,
                "input_tokens_details": {"cached_tokens": cached},
                "output_tokens_details": {"reasoning_tokens": thought},
            },
        }


_MODEL_ITEMS = {"reasoning", "function_call"}


class Anthropic(Protocol):
    """``/v1/messages`` with tool use and signed thinking blocks."""

    def turns(self, body):
        return sum(message["role"] == "assistant" for message in body["messages"])

    def check(self, body):
        thinking = body.get("thinking") or {}
        if thinking.get("type") == "enabled" and body["max_tokens"] <= thinking["budget_tokens"]:
            raise Rejected("`max_tokens` must be greater than `thinking.budget_tokens`")
        if thinking.get("type") in ("enabled", "adaptive") and body.get("temperature") not in (None, 1):
            raise Rejected("`temperature` may only be set to 1 when thinking is enabled")
        for position, message in enumerate(body["messages"]):
            blocks = message["content"] if isinstance(message["content"], list) else []
            for block in blocks:
                if block["type"] != "tool_use":
                    continue
                expected = self.issued.get(block["id"])
                if expected and expected not in blocks:
                    raise Rejected(f"messages.{position}: Expected `thinking` or `redacted_thinking` as it was sent")
                following = body["messages"][position + 1 : position + 2]
                results = [b for m in following for b in m["content"] if isinstance(b, dict)]
                if block["id"] not in {b.get("tool_use_id") for b in results}:
                    raise Rejected(f"`tool_use` ids were found without `tool_result` blocks: {block['id']}")

    def error(self, status, text):
        return {"type": "error", "error": {"type": "error", "message": text}}

    def render(self, answer, body, number):
        content: list[dict[str, Any]] = []
        calls = _ids(answer, number)
        if answer.thinking:
            block = {"type": "thinking", "thinking": answer.thinking, "signature": f"signature-{number}"}
            content.append(block)
            self.issued.update({i: block for i, _ in calls})
        if answer.text or answer.refusal:
            content.append({"type": "text", "text": answer.text or answer.refusal})
        content += [{"type": "tool_use", "id": i, "name": c.name, "input": c.args} for i, c in calls]
        given, made, thought, cached = _usage(answer)
        stop = "refusal" if answer.refusal else "tool_use" if calls else "end_turn"
        return {
            "id": f"msg_{number}",
            "type": "message",
            "role": "assistant",
            "model": body["model"],
            "content": content,
            "stop_reason": answer.stop or stop,
            "stop_sequence": None,
            "usage": {
                "input_tokens": given - cached,
                "output_tokens": made,
                "cache_read_input_tokens": cached,
                "cache_creation_input_tokens": 0,
                "output_tokens_details": {"thinking_tokens": thought},
            },
        }


class Gemini(Protocol):
    """``:generateContent`` with function calls and thought signatures."""

    def turns(self, body):
        return sum(content.get("role") == "model" for content in body["contents"])

    def check(self, body):
        for content in body["contents"]:
            for part in content.get("parts") or []:
                signatures = self.issued.get(_call_key(part.get("functionCall") or {}), ())
                if signatures and part.get("thoughtSignature") not in signatures:
                    raise Rejected("Function call is missing a thought_signature in functionCall parts")

    def error(self, status, text):
        words = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL"}
        return {"error": {"code": status, "message": text, "status": words.get(status, "UNAVAILABLE")}}

    def render(self, answer, body, number):
        parts: list[dict[str, Any]] = []
        if answer.thinking:
            parts.append({"text": answer.thinking, "thought": True})
        if answer.text:
            parts.append({"text": answer.text})
        for order, (i, call) in enumerate(_ids(answer, number)):
            part: dict[str, Any] = {"functionCall": {"id": i, "name": call.name, "args": call.args}}
            if answer.thinking and order == 0:  # of parallel calls, only the first is signed
                part["thoughtSignature"] = base64.b64encode(f"thought-{number}".encode()).decode()
                self.issued.setdefault(_call_key(part["functionCall"]), set()).add(part["thoughtSignature"])
            parts.append(part)
        given, made, thought, cached = _usage(answer)
        candidate: dict[str, Any] = {
            "index": 0,
            "finishReason": answer.stop or ("SAFETY" if answer.refusal else "STOP"),
        }
        if parts:
            candidate["content"] = {"role": "model", "parts": parts}
        return {
            "candidates": [candidate],
            "modelVersion": "gemini-loopback",
            "responseId": f"r{number}",
            "usageMetadata": {
                "promptTokenCount": given,
                "candidatesTokenCount": made - thought,
                "thoughtsTokenCount": thought,
                "cachedContentTokenCount": cached,
                "totalTokenCount": given + made,
            },
        }


def _call_key(call: dict[str, Any]) -> str:
    """Identify a call without its id, which clients of Gemini need not send back."""
    return json.dumps([call.get("name"), call.get("args")], sort_keys=True)


PROTOCOLS: dict[str, type[Protocol]] = {
    "/v1/chat/completions": ChatCompletions,
    "/v1/responses": Responses,
    "/v1/messages": Anthropic,
    "/v1beta/models/{model}:generateContent": Gemini,
}
