"""Whether a provider's refusal means that the conversation has outgrown the model's context.

No provider has a status of its own for it: it is told by an error code, where there is one, or by the words.
LangChain's ``ContextOverflowError`` is not relied on: it misses most servers, and takes every error of Google's that
mentions a token limit, quotas among them.
"""

import re
from collections.abc import Iterable

# OpenAI and many that follow it (Groq, Cerebras, OpenRouter's upstreams); llama.cpp; LiteLLM.
_CODES = frozenset({"context_length_exceeded", "exceed_context_size_error", "contextwindowexceedederror"})
_WORDS = re.compile(
    "|".join(
        (
            r"context_length_exceeded",  # gateways quote their upstream's code
            r"contextwindowexceedederror",
            r"exceeds the context window",  # OpenAI, Responses API
            r"maximum context length",  # OpenAI, vLLM, DeepSeek, OpenRouter, SGLang, Mistral
            r"longer than the (maximum model|model's context) length",  # vLLM, SGLang
            r"too long to fit into the model",  # older vLLM
            r"prompt is too long",  # Anthropic, Fireworks
            r"`max_tokens` exceed context limit",  # Anthropic, where prompt and answer together do not fit
            r"input token count.{0,30}exceeds the maximum number of tokens",  # Google
            r"exceeds the available context size",  # llama.cpp
            r"maximum prompt length is",  # xAI
            r"`inputs` tokens \+ `max_new_tokens` must be",  # text-generation-inference, Together
            r"reduce the length of the messages",  # Groq
            r"exceeded model token limit",  # Moonshot
        )
    )
)
# No access, no such model, rate limits: whatever their words mention, this request is not what is wrong.
_OTHER = frozenset({401, 402, 403, 404, 408, 429})
_BEGINNING = 400  # characters: a server that complains of a field may quote the conversation after that


def is_context_overflow(status: int, codes: Iterable[object], words: str) -> bool:
    """Recognise a conversation that no longer fits.

    Args:
        status: HTTP status; 500 counts too, as some vLLM and llama.cpp servers say it that way.
        codes: The error's code and type in the provider's words, where it gives any.
        words: The provider's sentence.
    """
    if status in _OTHER:
        return False
    if any(str(code).casefold() in _CODES for code in codes):
        return True
    return _WORDS.search(words[:_BEGINNING].casefold()) is not None
