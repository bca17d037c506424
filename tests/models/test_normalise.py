"""Answers in the forms that no loopback server here sends."""

import pytest
from langchain_core.messages import AIMessage

from testbed.models.normalise import REDACTED, to_message
from testbed.types import Usage


@pytest.mark.parametrize(
    ("content", "text", "reasoning"),
    [
        ("<think>\nplan\n</think>\n\nHello.", "Hello.", "plan"),
        ("  <think>plan</think>Hello.", "Hello.", "plan"),
        ("plan\nmore</think>\nHello.", "Hello.", "plan\nmore"),  # the template wrote the opening tag
        ("<think>cut off", "", "cut off"),
        ("<think></think>Hello.", "Hello.", ""),
        ("Hello. <think>not at the beginning</think> Bye.", "Hello. <think>not at the beginning</think> Bye.", ""),
        ("Hello.", "Hello.", ""),
        ("", "", ""),
    ],
)
def test_inline_reasoning_of_open_models(content, text, reasoning):
    message = to_message(AIMessage(content), 1)
    assert (message.text, message.reasoning) == (text, reasoning)


def test_redacted_thinking_is_noted():
    blocks = [
        {"type": "thinking", "thinking": "First.", "signature": "s"},
        {"type": "redacted_thinking", "data": "abc"},
        {"type": "text", "text": "Hello."},
    ]
    message = to_message(AIMessage(blocks), 1)
    assert (message.text, message.reasoning) == ("Hello.", f"First.\n\n{REDACTED}")


def test_a_reasoning_item_with_several_summaries():
    blocks = [
        {
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "A."}, {"type": "summary_text", "text": "B."}],
        },
        {"type": "text", "text": "Hel"},
        {"type": "text", "text": "lo."},
    ]
    message = to_message(AIMessage(blocks), 1)
    assert (message.text, message.reasoning) == ("Hello.", "A.\n\nB.")


def test_a_server_that_sends_its_reasoning_twice():
    extra = {"reasoning": "Once.", "reasoning_details": [{"type": "reasoning.text", "text": "Once."}]}
    assert to_message(AIMessage("Hi.", additional_kwargs=extra), 1).reasoning == "Once."
    encrypted = {"reasoning_details": [{"type": "reasoning.encrypted", "data": "abc"}]}
    assert to_message(AIMessage("Hi.", additional_kwargs=encrypted), 1).reasoning == REDACTED


def test_a_call_without_an_id_gets_one():
    calls = [{"name": "a", "args": {}, "id": None}, {"name": "b", "args": {}, "id": ""}]
    message = to_message(AIMessage("", tool_calls=calls), 3)
    assert [call.id for call in message.tool_calls] == ["call-3-0", "call-3-1"]


def test_an_answer_without_usage_still_counts_as_a_call():
    assert to_message(AIMessage("Hi."), 1).usage == Usage(calls=1)
