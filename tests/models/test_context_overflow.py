"""A conversation that outgrows an API model's context ends its episode as a limit, as with local models."""

import json

import pytest
from runner.running import run_plan
from wire.protocols import PROTOCOLS
from wire.servers import Answer, Call, Fault, serve

from testbed.models.context_overflow import is_context_overflow
from testbed.store import Ledger
from testbed.types import Termination

OPENAI = {"type": "invalid_request_error", "code": "context_length_exceeded"}
LONG = "This endpoint's maximum context length is 32768 tokens. However, you requested about 40000 tokens."
# What the providers answer with, and the status: theirs is 400, but gateways report their upstream's errors with 200.
REFUSALS = {
    "openai/gpt-4.1": (400, {"error": {"message": "Please shorten the messages.", "param": "messages", **OPENAI}}),
    "openai/gpt-5": (
        400,
        {"error": {"message": "Your input exceeds the context window of this model.", "param": "input", **OPENAI}},
    ),
    "anthropic/claude-haiku-4-5": (
        400,
        {
            "type": "error",
            "error": {"type": "invalid_request_error", "message": "prompt is too long: 200082 tokens > 200000 maximum"},
        },
    ),
    "google/gemini-2.5-flash": (
        400,
        {
            "error": {
                "code": 400,
                "message": "The input token count (1200293) exceeds the maximum number of tokens allowed (1048576).",
                "status": "INVALID_ARGUMENT",
            }
        },
    ),
    "compat/vllm": (400, {"object": "error", "message": LONG, "type": "BadRequestError", "param": None, "code": 400}),
    "compat/gateway": (200, {"error": {"code": 400, "message": LONG}}),
}


@pytest.fixture
def refusing(monkeypatch):
    """Give the script of a server that answers some turns and then refuses in the provider's own words."""
    for protocol in PROTOCOLS.values():
        monkeypatch.setattr(protocol, "error", lambda self, status, text: json.loads(text))

    def script(model, turns):
        status, body = REFUSALS[model]
        refusal = body if status == 200 else Fault.status(status, json.dumps(body))
        return lambda request: Answer(calls=(Call("list_emails", {}),)) if request.turn <= turns else refusal

    return script


@pytest.mark.parametrize("model", REFUSALS)
async def test_an_episode_that_outgrows_the_context_is_final(tmp_path, monkeypatch, refusing, model):
    """It counts as a limit, what was done is kept, and nobody is asked again; a case that never fitted is an error."""
    async with serve(refusing(model, turns=1)) as server:
        server.point_to(monkeypatch)
        summary = await run_plan(tmp_path / "l.db", [model])
        assert (summary.finished, summary.errors, summary.retries, server.count) == (1, 0, 0, 2), summary.first_error
        again = await run_plan(tmp_path / "l.db", [model])
        assert (again.before, again.finished, server.count) == (1, 0, 2)
        server.script = refusing(model, turns=0)
        first = await run_plan(tmp_path / "first.db", [model])
        assert (first.finished, first.errors, server.count) == (0, 1, 3)
    with Ledger.open(tmp_path / "l.db", create=False) as ledger:
        [episode] = ledger.episodes()
    assert episode.termination is Termination.TOKEN_LIMIT and "does not fit into the model's context" in episode.error
    assert [message.role for message in episode.messages][-2:] == ["assistant", "tool"]
    with Ledger.open(tmp_path / "first.db", create=False) as ledger:
        assert [episode.termination for episode in ledger.episodes()] == [Termination.MODEL_ERROR]


@pytest.mark.parametrize(
    "words",
    [
        "'max_tokens' is too large: 2000. This model's maximum context length is 4096 tokens (2000 > 4096 - 2104).",
        "The decoder prompt (length 21535) is longer than the maximum model length of 16384.",
        "The prompt (total length 25938) is too long to fit into the model (context length 4096).",
        "The input (61709 tokens) is longer than the model's context length (40960 tokens).",
        "input length and `max_tokens` exceed context limit: 189136 + 20000 > 204648, decrease input length",
        "request (4390 tokens) exceeds the available context size (4096 tokens), try increasing it",
        "This model's maximum prompt length is 131072 but the request contains 136973 tokens.",
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. Given: 3474 `inputs` tokens",
        "Invalid request: Your request exceeded model token limit: 262144 (requested: 269030)",
        "litellm.ContextWindowExceededError: OpenAIException",
    ],
)
def test_other_servers_words(words):
    assert is_context_overflow(400, [None, 400], words)
    assert is_context_overflow(500, [], words)
    assert not is_context_overflow(429, [], words)


@pytest.mark.parametrize(
    ("status", "codes", "words"),
    [
        (429, ["rate_limit_exceeded"], "Request too large for gpt-4.1 on tokens per min (TPM): Limit 30000."),
        (429, [None], "You exceeded your quota: input token count limit per minute per model."),
        (413, ["request_too_large"], "Request exceeds the maximum allowed number of bytes."),
        (413, [None], "Request too large on tokens per minute (TPM): Limit 10000, please reduce your message size."),
        (400, ["invalid_value"], "max_tokens: 100000 > 8192, which is the maximum allowed number of output tokens"),
        (400, [None], "messages: text content blocks must be non-empty"),
        (404, ["model_not_found"], "The model with the longest context window does not exist."),
        (400, [400], "1 validation error: messages.3.content: " + "field " * 80 + "'prompt is too long'"),
    ],
)
def test_other_refusals_are_no_overflow(status, codes, words):
    assert not is_context_overflow(status, codes, words)
