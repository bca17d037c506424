"""The loopback servers themselves: they must be as strict as the real ones, or the tests that use them prove little."""

import asyncio

import aiohttp
import pytest
from wire.servers import Answer, Call, Fault, serve

CALL = Call("f", {"a": 1}, id="c1")


async def post(server, path, body, **headers):
    async with aiohttp.ClientSession() as session:
        response = await session.post(server.url + path, json=body, headers=headers)
        return response.status, await response.json()


def anthropic_body(blocks):
    result = [{"type": "tool_result", "tool_use_id": "c1", "content": "ok"}]
    messages = [{"role": "user", "content": "go"}, {"role": "assistant", "content": blocks}]
    return {"model": "m", "max_tokens": 10, "messages": [*messages, {"role": "user", "content": result}]}


def gemini_body(parts):
    result = [{"functionResponse": {"name": "f", "response": {}}}]
    contents = [{"role": "user", "parts": [{"text": "go"}]}, {"role": "model", "parts": parts}]
    return {"contents": [*contents, {"role": "user", "parts": result}]}


def chat_body(message):
    result = {"role": "tool", "tool_call_id": "c1", "content": "ok"}
    return {"model": "m", "messages": [{"role": "user", "content": "go"}, message, result]}


def responses_body(items):
    result = {"type": "function_call_output", "call_id": "c1", "output": "ok"}
    base = {"model": "m", "store": False, "include": ["reasoning.encrypted_content"]}
    return base | {"input": [{"role": "user", "content": "go"}, *items, result]}


CASES = {
    "/v1/chat/completions": (
        chat_body,
        lambda answer: answer["choices"][0]["message"],
        lambda message: message | {"reasoning_content": None},
    ),
    "/v1/responses": (
        responses_body,
        lambda answer: answer["output"],
        lambda items: [item for item in items if item["type"] != "reasoning"],
    ),
    "/v1/messages": (
        anthropic_body,
        lambda answer: answer["content"],
        lambda blocks: [block for block in blocks if block["type"] != "thinking"],
    ),
    "/v1beta/models/m:generateContent": (
        gemini_body,
        lambda answer: answer["candidates"][0]["content"]["parts"],
        lambda parts: [{k: v for k, v in part.items() if k != "thoughtSignature"} for part in parts],
    ),
}


@pytest.mark.parametrize("path", CASES)
async def test_lost_reasoning_is_rejected(path):
    body, answered, stripped = CASES[path]
    async with serve(lambda request: Answer("", "Hidden.", (CALL,)) if request.turn == 1 else Answer("Ok.")) as server:
        opening = body([])
        for field in ("messages", "contents", "input"):
            if field in opening:
                opening[field] = opening[field][:1]
        status, answer = await post(server, path, opening)
        assert status == 200
        assert (await post(server, path, body(answered(answer))))[0] == 200
        assert (await post(server, path, body(stripped(answered(answer)))))[0] == 400
    assert [request.turn for request in server.requests] == [1, 2, 2]


async def test_an_unanswered_call_is_rejected():
    async with serve([]) as server:
        body = chat_body({"role": "assistant", "tool_calls": [{"id": "c1"}]})
        body["messages"].pop()
        assert (await post(server, "/v1/chat/completions", body))[0] == 400


async def test_the_log_holds_requests_without_keys():
    async with serve([Answer("Hi.")]) as server:
        body = {"model": "m", "messages": [{"role": "user", "content": "go"}]}
        await post(server, "/v1/chat/completions", body, Authorization="Bearer secret")
        await post(server, "/v1/chat/completions", body)
    first, second = server.requests
    assert (first.json, first.path, first.key) == (body, "/v1/chat/completions", "Bearer secret")
    assert "secret" not in repr(first)
    assert (server.count, server.answered, second.index) == (2, 1, 1)


async def test_a_stalled_request_does_not_hold_up_the_end():
    async with serve([Fault("stall")]) as server:
        body = {"model": "m", "messages": []}
        task = asyncio.create_task(post(server, "/v1/chat/completions", body))
        while not server.count:
            await asyncio.sleep(0)
    with pytest.raises(aiohttp.ClientError):
        await task
