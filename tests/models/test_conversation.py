"""Whole conversations of the real SDKs with loopback servers: tool calls, reasoning, usage, refusals, settings."""

import asyncio
import json

import pytest
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from wire.servers import KEY, Answer, Call, serve

from testbed.errors import TestbedError
from testbed.models.normalise import reported_model, to_message
from testbed.models.providers import build_model, close_model, parse_model, structured_kwargs
from testbed.types import Usage

# Every provider, with the settings under which it reasons.
REASONING = [
    ("openai/gpt-5-mini", {}),
    ("openai/o3", {"reasoning": "high"}),
    ("anthropic/claude-sonnet-4-5", {"reasoning": "2000"}),
    ("anthropic/claude-opus-5", {"reasoning": "medium"}),
    ("google/gemini-2.5-pro", {}),
    ("google/gemini-3-pro-preview", {"reasoning": "high"}),
    ("compat/some/model", {}),
]
PLAIN = [
    ("openai/gpt-4.1", {}),
    ("anthropic/claude-haiku-4-5", {}),
    ("google/gemini-2.0-flash", {}),
    ("compat/some/model", {}),
]
SCHEMA = {
    "type": "object",
    "properties": {"value": {"type": "boolean"}},
    "required": ["value"],
    "additionalProperties": False,
}


def read_email(email_id: str) -> str:
    """Read one e-mail."""
    return f"mail {email_id}"


@pytest.fixture
async def talk(monkeypatch):
    """Build a model against a server; all are closed at the end."""
    opened = []

    def _build(server, text, **settings):
        server.point_to(monkeypatch)
        model = build_model(parse_model(text, **settings), connections=4, timeout=10)
        opened.append(model)
        return model

    yield _build
    for model in opened:
        await close_model(model)


async def two_turns(model):
    """Ask, answer every tool call, ask again."""
    agent = model.bind_tools([read_email])
    history = [SystemMessage("You work with e-mail."), HumanMessage("Begin.")]
    first = await agent.ainvoke(history)
    results = [ToolMessage("mail text", tool_call_id=call["id"]) for call in first.tool_calls]
    second = await agent.ainvoke([*history, first, *results])
    return first, second


@pytest.mark.parametrize(("text", "settings"), REASONING + PLAIN)
async def test_two_turns_with_parallel_tool_calls(talk, text, settings):
    calls = (Call("read_email", {"email_id": "m1"}), Call("read_email", {"email_id": "m2"}))
    async with serve([Answer("Let me look.", calls=calls), Answer("Done.")]) as server:
        first, second = await two_turns(talk(server, text, **settings))
    message = to_message(first, 1)
    assert message.text == "Let me look."
    assert [(call.name, call.args) for call in message.tool_calls] == [
        ("read_email", {"email_id": "m1"}),
        ("read_email", {"email_id": "m2"}),
    ]
    assert len({call.id for call in message.tool_calls}) == 2
    last = to_message(second, 2)
    assert (last.text, last.tool_calls, last.turn, last.refusal) == ("Done.", (), 2, False)
    assert message.stop
    assert message.stop != last.stop or not text.startswith(("anthropic", "compat"))
    assert [request.turn for request in server.requests] == [1, 2]
    assert all(KEY in request.key or text.startswith("compat") for request in server.requests)


@pytest.mark.parametrize(("text", "settings"), REASONING)
async def test_reasoning_is_kept_apart_and_passed_back(talk, text, settings):
    script = [
        Answer("Let me look.", thinking="They must not know.", calls=(Call("read_email", {"email_id": "m1"}),)),
        Answer("Done.", thinking="That went well."),
    ]
    async with serve(script) as server:  # it rejects a second request that lacks the reasoning
        first, second = await two_turns(talk(server, text, **settings))
    assert server.answered == 2
    assert (to_message(first, 1).text, to_message(first, 1).reasoning) == ("Let me look.", "They must not know.")
    assert (to_message(second, 2).text, to_message(second, 2).reasoning) == ("Done.", "That went well.")


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning", "reasoning_details"])
async def test_every_reasoning_field_of_compatible_servers(talk, field):
    call = Call("read_email", {"email_id": "m1"})
    script = [Answer("", "Hidden.", (call,), reasoning_field=field), Answer("Done.", "More.", reasoning_field=field)]
    async with serve(script) as server:
        first, second = await two_turns(talk(server, "compat/m"))
        # A plain answer's reasoning is not passed back: DeepSeek's older models refuse it.
        model = talk(server, "compat/m")
        server.script = lambda request: Answer("Bye.")
        await model.ainvoke([HumanMessage("Begin."), second, HumanMessage("Go on.")])
    assert to_message(first, 1).reasoning == "Hidden."
    sent_back = server.requests[1].json["messages"][2]
    assert sent_back[field]
    assert field not in server.requests[2].json["messages"][1]


@pytest.mark.parametrize(("text", "settings"), REASONING + PLAIN)
async def test_usage_is_counted_alike(talk, text, settings):
    said = Answer("Hello.", input_tokens=120, output_tokens=30, reasoning_tokens=7, cached_tokens=64)
    async with serve([said]) as server:
        answer = await talk(server, text, **settings).ainvoke("Hello?")
    expected = Usage(calls=1, input_tokens=120, output_tokens=30, reasoning_tokens=7, cached_tokens=64)
    assert to_message(answer, 1).usage == expected
    assert reported_model(answer) in (text.partition("/")[2], "gemini-loopback")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("openai/gpt-4.1", Answer(refusal="I cannot help with that.")),
        ("openai/gpt-5", Answer(refusal="I cannot help with that.")),
        ("openai/gpt-4.1", Answer("Half a", stop="content_filter")),
        ("openai/gpt-5", Answer("Half a", stop="content_filter")),
        ("compat/m", Answer("", stop="content_filter")),
        ("anthropic/claude-sonnet-4-5", Answer(refusal="I cannot help with that.")),
        ("google/gemini-2.5-pro", Answer(refusal="-")),
        ("google/gemini-2.5-pro", Answer(stop="PROHIBITED_CONTENT")),
    ],
)
async def test_the_providers_own_refusal_is_marked(talk, text, answer):
    async with serve([answer]) as server:
        message = to_message(await talk(server, text).ainvoke("Hello?"), 1)
    assert message.refusal
    if "cannot" in answer.refusal:
        assert message.text == "I cannot help with that."


async def test_a_prompt_that_gemini_blocks(talk):
    blocked = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "modelVersion": "gemini-loopback"}
    async with serve([blocked]) as server:
        message = to_message(await talk(server, "google/gemini-2.5-pro").ainvoke("Hello?"), 1)
    assert (message.text, message.refusal, message.stop) == ("", True, "PROHIBITED_CONTENT")
    assert message.usage == Usage(calls=1)


async def test_a_malformed_call_of_gemini_is_an_empty_answer(talk):
    async with serve([Answer(stop="MALFORMED_FUNCTION_CALL")]) as server:
        message = to_message(await talk(server, "google/gemini-2.5-pro").ainvoke("Hello?"), 1)
    assert (message.text, message.refusal, message.stop) == ("", False, "MALFORMED_FUNCTION_CALL")


@pytest.mark.parametrize("text", ["openai/gpt-4.1", "openai/gpt-5", "compat/m"])
@pytest.mark.parametrize("raw", ['{"email_id": "m1"', "email m1", '["m1"]', '"m1"', "3"])
async def test_malformed_arguments_are_told_and_the_conversation_goes_on(talk, text, raw):
    calls = (Call("read_email", raw), Call("read_email", {"email_id": "m2"}))
    async with serve([Answer(calls=calls), Answer("Done.")]) as server:
        agent = talk(server, text).bind_tools([read_email])
        first = await agent.ainvoke("Begin.")
        message = to_message(first, 1)
        results = [ToolMessage("?", tool_call_id=call.id) for call in message.tool_calls]
        await agent.ainvoke([HumanMessage("Begin."), first, *results])
    good, broken = message.tool_calls
    assert (good.args, good.error) == ({"email_id": "m2"}, None)
    assert (broken.name, broken.args, broken.raw) == ("read_email", {}, raw)
    assert broken.error
    if text.startswith("compat"):  # chat templates need objects
        sent = server.requests[1].json["messages"][1]["tool_calls"]
        assert json.loads(sent[1]["function"]["arguments"]) == {"invalid_arguments": raw}


@pytest.mark.parametrize(("text", "settings"), REASONING + PLAIN)
async def test_structured_output_is_the_providers_own(talk, text, settings):
    async with serve([Answer('{"value": true}')]) as server:
        model = talk(server, text, **settings)
        answer = await model.ainvoke("Judge.", **structured_kwargs(parse_model(text), "verdict", SCHEMA))
    assert json.loads(to_message(answer, 1).text) == {"value": True}
    body = server.requests[0].json
    match server.requests[0].path:
        case "/v1/chat/completions":
            expected = {"type": "json_schema", "json_schema": {"name": "verdict", "schema": SCHEMA, "strict": True}}
            assert body["response_format"] == expected
        case "/v1/responses":
            expected = {"type": "json_schema", "name": "verdict", "schema": SCHEMA, "strict": True}
            assert body["text"]["format"] == expected
        case "/v1/messages":
            assert body["output_config"]["format"] == {"type": "json_schema", "schema": SCHEMA}
            assert body["output_config"].get("effort") == ("medium" if "opus" in text else None)
        case _:
            assert body["generationConfig"]["responseMimeType"] == "application/json"
            assert body["generationConfig"]["responseJsonSchema"] == SCHEMA


async def sent(talk, text, **settings):
    """The body of one request."""
    async with serve([Answer("Hello.")]) as server:
        await talk(server, text, **settings).ainvoke("Hello?")
    return server.requests[0].json


@pytest.mark.parametrize(("text", "settings"), REASONING + PLAIN)
async def test_unset_sampling_is_left_to_the_provider(talk, text, settings):
    body = await sent(talk, text, **settings)
    flat = json.dumps(body)
    assert "temperature" not in flat
    assert "top_p" not in flat.lower()
    assert "max_completion_tokens" not in flat
    assert "maxOutputTokens" not in flat


async def test_sampling_settings_reach_each_provider(talk):
    settings = {"temperature": 0.3, "max_output_tokens": 500}
    openai = await sent(talk, "openai/gpt-4.1", **settings)
    assert (openai["temperature"], openai["max_completion_tokens"]) == (0.3, 500)
    reasoning = await sent(talk, "openai/gpt-5", **settings)
    assert "temperature" not in reasoning
    assert reasoning["max_output_tokens"] == 500
    compat = await sent(talk, "compat/m", **settings)
    assert (compat["temperature"], compat["max_tokens"]) == (0.3, 500)
    assert "max_completion_tokens" not in compat
    anthropic = await sent(talk, "anthropic/claude-sonnet-4-5", **settings)
    assert (anthropic["temperature"], anthropic["max_tokens"]) == (0.3, 500)
    google = await sent(talk, "google/gemini-2.5-pro", **settings)
    assert (google["generationConfig"]["temperature"], google["generationConfig"]["maxOutputTokens"]) == (0.3, 500)


async def test_reasoning_settings_reach_each_provider(talk):
    openai = await sent(talk, "openai/gpt-4.1", reasoning="low")
    assert openai["reasoning"] == {"summary": "auto", "effort": "low"}
    assert (openai["store"], openai["include"]) == (False, ["reasoning.encrypted_content"])
    assert (await sent(talk, "compat/m", reasoning="low"))["reasoning_effort"] == "low"
    budget = await sent(talk, "anthropic/claude-sonnet-4-5", reasoning="5000", temperature=0.3)
    assert budget["thinking"] == {"type": "enabled", "budget_tokens": 5000}
    assert budget["max_tokens"] > 5000
    assert "temperature" not in budget
    effort = await sent(talk, "anthropic/claude-opus-5", reasoning="low")
    assert (effort["thinking"]["type"], effort["output_config"]) == ("adaptive", {"effort": "low"})
    older = await sent(talk, "google/gemini-2.5-pro", reasoning="low")
    assert older["generationConfig"]["thinkingConfig"] == {"include_thoughts": True, "thinking_budget": 1024}
    newer = await sent(talk, "google/gemini-3-pro-preview", reasoning="low")
    assert newer["generationConfig"]["thinkingConfig"] == {"include_thoughts": True, "thinking_level": "LOW"}


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("anthropic/claude-sonnet-4-5", {"reasoning": "5000", "max_output_tokens": 5000}),
        ("anthropic/claude-opus-5", {"reasoning": "5000"}),  # takes an effort only
    ],
)
async def test_a_reasoning_setting_that_the_model_does_not_take_is_found_when_it_is_built(monkeypatch, text, settings):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "x")
    with pytest.raises(TestbedError, match="claude"):
        build_model(parse_model(text, **settings), connections=1, timeout=1)


async def test_nothing_of_openai_is_sent_to_a_compatible_server(talk, monkeypatch):
    monkeypatch.setenv("OPENAI_ORG_ID", "org-private")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-private")
    async with serve([Answer("Hello.")]) as server:
        await talk(server, "compat/m").ainvoke("Hello?")
    request = server.requests[0]
    assert "private" not in json.dumps(request.headers)
    assert KEY not in request.key


async def test_tracing_settings_of_the_environment_are_ignored(talk, monkeypatch):
    """With tracing on, LangChain would queue every prompt for LangSmith; a gateway would get the requests."""
    from langsmith import utils

    utils.get_env_var.cache_clear()
    for name, value in {"TRACING": "true", "GATEWAY": "true", "API_KEY": "lsv2_x"}.items():
        monkeypatch.setenv(f"LANGSMITH_{name}", value)
    async with serve(lambda request: Answer("Hello.")) as server:
        for text, settings in REASONING + PLAIN:
            await talk(server, text, **settings).ainvoke("Hello?")
    assert server.answered == len(REASONING + PLAIN)
    assert not utils.tracing_is_enabled()


@pytest.mark.parametrize("text", ["openai/gpt-4.1", "anthropic/claude-haiku-4-5", "google/gemini-2.5-flash"])
async def test_every_connection_of_the_pool_is_kept(monkeypatch, text):
    """The usual limit of 100 idle connections would open new ones with every round."""
    together, arrived = 130, asyncio.Barrier(130)

    async with serve(lambda request: Answer("Hello.")) as server:
        server.before = arrived.wait  # all requests of a round are under way at once
        server.point_to(monkeypatch)
        model = build_model(parse_model(text), connections=together, timeout=30)
        for _ in range(3):
            await asyncio.gather(*(model.ainvoke("Hello?") for _ in range(together)))
        await close_model(model)
    assert server.answered == 3 * together
    assert len(server.peers) == together
