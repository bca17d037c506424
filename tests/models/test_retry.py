"""The one layer of retries, against servers that fail in every way that was promised to be survived."""

import asyncio
import datetime
import email.utils

import pytest
from wire.servers import KEY, Answer, Fault, serve

from testbed.models import retry
from testbed.models.errors import InfraError, ModelUnavailable, RequestRejected
from testbed.models.providers import build_model, close_model, parse_model
from testbed.models.retry import RetryPolicy, with_retries

MODELS = ["openai/gpt-4.1", "openai/gpt-5", "anthropic/claude-haiku-4-5", "google/gemini-2.5-flash", "compat/m"]
TRUNCATED_JSON = Fault("body", text='{"id": "x", "choices": [{"index": 0, "mess')
POLICY = RetryPolicy()
HTML = Fault("body", text="<html>gateway</html>")
EMPTY = Fault("body", text="{}")


@pytest.fixture
def waits(monkeypatch):
    """The waits between attempts, noted instead of waited for."""
    noted = []

    async def note(seconds):
        noted.append(seconds)

    monkeypatch.setattr(retry, "_sleep", note)
    return noted


async def ask(monkeypatch, script, text, policy=POLICY, told=None):
    """Ask a model of a scripted server once, with retries; return answer (or error) and server."""
    async with serve(script) as server:
        server.point_to(monkeypatch)
        model = build_model(parse_model(text), connections=2, timeout=10)
        try:
            return await with_retries(lambda: model.ainvoke("Hello?"), policy, told), server
        except Exception as error:
            return error, server
        finally:
            await close_model(model)


@pytest.mark.parametrize("text", MODELS)
@pytest.mark.parametrize(
    "fault",
    [
        *(Fault.status(code) for code in (408, 409, 429, 500, 502, 503, 529)),
        Fault("drop"),
        Fault("truncate"),
        TRUNCATED_JSON,
        HTML,
    ],
    ids=lambda fault: fault.kind + (str(fault.code) if fault.kind == "status" else fault.text[:3]),
)
async def test_a_passing_fault_costs_one_repetition(monkeypatch, waits, text, fault):
    answer, server = await ask(monkeypatch, [fault, Answer("Hello.")], text)
    assert not isinstance(answer, Exception), answer
    assert str(answer.text) == "Hello."
    assert (server.count, server.answered, len(waits)) == (2, 1, 1)


@pytest.mark.parametrize("text", ["openai/gpt-4.1", "openai/gpt-5", "anthropic/claude-haiku-4-5", "compat/m"])
async def test_a_body_of_the_wrong_shape_is_repeated(monkeypatch, waits, text):
    answer, server = await ask(monkeypatch, [EMPTY, Answer("Hello.")], text)
    assert str(answer.text) == "Hello."
    assert server.count == 2


@pytest.mark.parametrize("text", MODELS)
async def test_a_stalled_answer_is_given_up_and_repeated(monkeypatch, waits, text):
    answer, server = await ask(monkeypatch, [Fault("stall"), Answer("Hello.")], text, RetryPolicy(timeout=0.3))
    assert not isinstance(answer, Exception), answer
    assert server.count == 2


@pytest.mark.parametrize("text", MODELS)
async def test_retry_after_is_kept(monkeypatch, waits, text):
    heard = []
    fault = Fault.status(429, retry_after="7")
    await ask(monkeypatch, [fault, Answer("Hello.")], text, told=lambda *args: heard.append(args))
    assert 7 <= waits[0] < 8
    [(attempt, delay, error)] = heard
    assert (attempt, delay) == (1, waits[0])
    assert isinstance(error, Exception)


async def test_retry_after_as_milliseconds_or_as_a_date(monkeypatch, waits):
    date = email.utils.format_datetime(datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=40), True)
    script = [Fault.status(429, retry_after_ms="2500"), Fault.status(503, retry_after=date), Answer("Hello.")]
    answer, _ = await ask(monkeypatch, script, "compat/m")
    assert str(answer.text) == "Hello."
    assert 2.5 <= waits[0] < 3.5
    assert 20 < waits[1] <= 41


async def test_googles_retry_info_in_the_body(monkeypatch, waits):
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"}]
    error = {"error": {"code": 429, "message": "quota", "status": "RESOURCE_EXHAUSTED", "details": details}}

    from wire.protocols import Gemini

    monkeypatch.setattr(Gemini, "error", lambda self, status, text: error)
    answer, _ = await ask(monkeypatch, [Fault.status(429), Answer("Hello.")], "google/gemini-2.5-flash")
    assert str(answer.text) == "Hello."
    assert 34 <= waits[0] < 35


async def test_a_wait_that_is_too_long_is_not_begun(monkeypatch, waits):
    error, server = await ask(monkeypatch, [Fault.status(429, retry_after="86400")], "compat/m")
    assert isinstance(error, InfraError)
    assert (server.count, waits) == (1, [])


@pytest.mark.parametrize("text", MODELS)
async def test_after_the_last_attempt_it_is_an_infrastructure_error(monkeypatch, waits, text):
    error, server = await ask(monkeypatch, lambda _: Fault.status(503), text, RetryPolicy(attempts=3))
    assert isinstance(error, InfraError)
    assert "3 attempt" in str(error)
    assert "503" in str(error)
    assert "overloaded" in str(error)
    assert (server.count, len(waits)) == (3, 2)  # the SDKs add no attempts of their own


async def test_waits_grow_and_are_limited(monkeypatch, waits):
    policy = RetryPolicy(attempts=9, base_delay=1, max_delay=10)
    await ask(monkeypatch, lambda _: Fault.status(500), "compat/m", policy)
    assert len(waits) == 8
    assert waits[0] <= 1.5
    assert max(waits) <= 15
    assert min(waits[4:]) >= 5


async def test_a_server_that_is_not_there(monkeypatch, waits):
    monkeypatch.setenv("COMPAT_BASE_URL", "http://127.0.0.1:1/v1")
    model = build_model(parse_model("compat/m"), connections=1, timeout=5)
    with pytest.raises(InfraError):
        await with_retries(lambda: model.ainvoke("Hello?"), RetryPolicy(attempts=2))
    await close_model(model)
    assert len(waits) == 1


@pytest.mark.parametrize("text", MODELS)
@pytest.mark.parametrize("code", [400, 413, 422])
async def test_a_request_that_is_rejected_is_not_repeated(monkeypatch, waits, text, code):
    error, server = await ask(monkeypatch, [Fault.status(code, "prompt is too long: 900000 tokens")], text)
    assert isinstance(error, RequestRejected), repr(error)
    assert "prompt is too long" in str(error)
    assert server.count == 1


@pytest.mark.parametrize("text", MODELS)
@pytest.mark.parametrize("code", [401, 402, 403, 404])
async def test_a_model_that_cannot_be_used_is_not_asked_again(monkeypatch, waits, text, code):
    error, server = await ask(monkeypatch, [Fault.status(code, "no such model")], text)
    assert isinstance(error, ModelUnavailable), repr(error)
    assert "no such model" in str(error)
    assert server.count == 1


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("openai/gpt-4.1", Fault.status(429, "insufficient_quota")),
        ("anthropic/claude-haiku-4-5", Fault.status(400, "Your credit balance is too low to access the API.")),
        ("google/gemini-2.5-flash", Fault.status(400, "API key not valid. Please pass a valid API key.")),
    ],
)
async def test_an_empty_account_or_a_wrong_key_under_another_status(monkeypatch, waits, text, fault):
    error, server = await ask(monkeypatch, [fault], text)
    assert isinstance(error, ModelUnavailable), repr(error)
    assert server.count == 1


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error": {"code": 502, "message": "upstream"}}, "Hello."),
        ({"error": {"code": 402, "message": "no credits"}}, ModelUnavailable),
        ({"error": {"code": 400, "message": "bad tools"}}, RequestRejected),
    ],
)
async def test_an_error_inside_a_good_status(monkeypatch, waits, body, expected):
    """OpenRouter and other gateways report their upstream's errors this way."""
    answer, _ = await ask(monkeypatch, [body, Answer("Hello.")], "compat/m")
    assert str(answer.text) == expected if isinstance(expected, str) else isinstance(answer, expected)


async def test_a_failed_response_of_the_responses_api(monkeypatch, waits):
    failed = {"id": "r", "object": "response", "created_at": 1, "status": "failed", "model": "gpt-5", "output": []}
    failed |= {"parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
    script = [failed | {"error": {"code": "server_error", "message": "oops"}}, Answer("Hello.")]
    answer, _ = await ask(monkeypatch, script, "openai/gpt-5")
    assert str(answer.text) == "Hello."
    error, _ = await ask(monkeypatch, [failed | {"error": {"code": "invalid_prompt", "message": "no"}}], "openai/gpt-5")
    assert isinstance(error, RequestRejected)


async def test_keys_and_long_texts_are_not_shown(monkeypatch, waits):
    monkeypatch.setenv("SOME_API_KEY", "plainlookingvalue")
    said = f"Incorrect API key provided: {KEY}, sk-proj-****abcd1234, plainlookingvalue. " + "x" * 2000
    error, _ = await ask(monkeypatch, [Fault.status(401, said)], "openai/gpt-4.1")
    assert isinstance(error, ModelUnavailable)
    for secret in (KEY, "sk-proj", "plainlookingvalue"):
        assert secret not in str(error)
    assert "Incorrect API key provided" in str(error)
    assert len(str(error)) < 400


async def test_a_programming_error_is_not_swallowed(waits):
    async def call():
        raise TypeError("wrong argument")

    with pytest.raises(TypeError, match="wrong argument"):
        await with_retries(call, RetryPolicy())
    assert waits == []


async def test_cancellation_passes_through():
    started = asyncio.Event()
    attempts = []

    async def call():
        attempts.append(1)
        started.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(with_retries(call, RetryPolicy(timeout=60)))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(attempts) == 1


async def test_a_cancelled_wait_is_not_a_retry(monkeypatch):
    waiting = asyncio.Event()

    async def wait(seconds):
        waiting.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(retry, "_sleep", wait)

    async def call():
        raise ConnectionResetError

    task = asyncio.create_task(with_retries(call, RetryPolicy()))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
