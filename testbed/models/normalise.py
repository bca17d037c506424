"""One answer of any provider as one :class:`Message`: text, reasoning, tool calls, refusal and usage told apart."""

import re
from typing import Any

from langchain_core.messages import AIMessage

from testbed.types import Message, ToolCall, Usage

REDACTED = "[reasoning redacted by the provider]"

# Reasons by which a provider says that it withheld the answer, whatever the model wanted. OpenAI: content_filter;
# Anthropic: refusal; the others are Gemini's (FinishReason in the API reference).
FILTERED = frozenset(
    {"content_filter", "refusal", "safety", "prohibited_content", "blocklist", "spii", "recitation"}
    | {"image_safety", "image_prohibited_content", "image_recitation"}
)

# Open models' inline reasoning. Some chat templates write the opening tag into the prompt, so that only the
# closing one comes back; an answer cut off while thinking has only the opening one.
_THINK = re.compile(r"\s*<think>(?P<inside>.*?)(?:</think>|\Z)|\A(?P<untagged>(?:(?!<think>).)*?)</think>", re.DOTALL)


def to_message(ai: AIMessage, turn: int) -> Message:
    """Normalise a model's answer.

    Args:
        ai: As LangChain returned it.
        turn: The model call (from 1) that it answers.

    Returns:
        The assistant message, with ``usage`` for one call.
    """
    texts, reasonings, refusals = _sort_blocks(ai)
    inline, text = _split_think("".join(texts))
    stop = _stop(ai.response_metadata)
    blocked = bool((ai.response_metadata.get("prompt_feedback") or {}).get("block_reason"))
    return Message(
        role="assistant",
        text=text or "\n".join(refusals),
        reasoning="\n\n".join(part for part in (*reasonings, inline) if part),
        tool_calls=_tool_calls(ai, turn),
        refusal=bool(refusals) or blocked or stop.casefold() in FILTERED,
        stop=stop,
        turn=turn,
        usage=_usage(ai),
    )


def reported_model(ai: AIMessage) -> str:
    """Return the model name that the provider answered with, or an empty string."""
    return str(ai.response_metadata.get("model_name") or ai.response_metadata.get("model") or "")


def _sort_blocks(ai: AIMessage) -> tuple[list[str], list[str], list[str]]:
    """Sort the content into text, reasoning and refusals."""
    blocks = ai.content if isinstance(ai.content, list) else [ai.content]
    texts, reasonings, refusals = [], [_extra_reasoning(ai.additional_kwargs)], []
    for block in blocks:
        if isinstance(block, str):
            texts.append(block)
            continue
        match block.get("type"):
            case "text" | "output_text":
                texts.append(block.get("text") or "")
            case "thinking":  # Anthropic, Gemini
                reasonings.append(block.get("thinking") or "")
            case "redacted_thinking":
                reasonings.append(REDACTED)
            case "reasoning":  # Responses API; LangChain's own v1 form
                reasonings.append(_responses_reasoning(block))
            case "refusal":
                refusals.append(block.get("refusal") or "")
    if refusal := ai.additional_kwargs.get("refusal"):  # chat completions
        refusals.append(str(refusal))
    return texts, reasonings, refusals


def _responses_reasoning(block: dict[str, Any]) -> str:
    """Join the summaries (or, from open models, the full text) of a reasoning item."""
    parts = [*(block.get("summary") or []), *(block.get("content") or [])]
    return "\n\n".join(p.get("text") or "" for p in parts) or str(block.get("reasoning") or "")


def _extra_reasoning(extra: dict[str, Any]) -> str:
    """Read the fields of compatible servers; where a server sends several, they say the same thing."""
    for field in ("reasoning_content", "reasoning"):
        if isinstance(extra.get(field), str) and extra[field]:
            return str(extra[field])
    details = extra.get("reasoning_details") or []
    parts = [str(d.get("text") or d.get("summary") or (REDACTED if d.get("data") else "")) for d in details]
    return "\n".join(part for part in parts if part)


def _split_think(text: str) -> tuple[str, str]:
    """Split reasoning between ``<think>`` tags at the beginning off the text that follows."""
    found = _THINK.match(text)
    if found is None:
        return "", text
    return (found["inside"] or found["untagged"] or "").strip(), text[found.end() :].lstrip()


def _tool_calls(ai: AIMessage, turn: int) -> tuple[ToolCall, ...]:
    """Collect the calls, the unreadable ones with what they were and why they could not be read."""
    calls = [
        ToolCall(id=call.get("id") or f"call-{turn}-{number}", name=call["name"], args=call["args"])
        for number, call in enumerate(ai.tool_calls)
    ]
    for number, broken in enumerate(ai.invalid_tool_calls, start=len(calls)):
        calls.append(
            ToolCall(
                id=broken.get("id") or f"call-{turn}-{number}",
                name=broken.get("name") or "",
                raw=broken.get("args") or "",
                error=broken.get("error") or "The arguments are not valid JSON.",
            )
        )
    return tuple(calls)


def _stop(metadata: dict[str, Any]) -> str:
    """Find the provider's word for why the answer ended; for a blocked prompt, why it was blocked."""
    feedback = metadata.get("prompt_feedback") or {}
    incomplete = metadata.get("incomplete_details") or {}
    found = (
        metadata.get("finish_reason")
        or metadata.get("stop_reason")
        or incomplete.get("reason")
        or feedback.get("block_reason")
        or metadata.get("status")
        or ""
    )
    return str(getattr(found, "value", found))


def _usage(ai: AIMessage) -> Usage:
    """Read the counts; input includes what was cached, output includes reasoning."""
    usage = ai.usage_metadata
    if usage is None:
        return Usage(calls=1)
    return Usage(
        calls=1,
        input_tokens=usage["input_tokens"],
        output_tokens=usage["output_tokens"],
        reasoning_tokens=usage.get("output_token_details", {}).get("reasoning") or 0,
        cached_tokens=usage.get("input_token_details", {}).get("cache_read") or 0,
    )
