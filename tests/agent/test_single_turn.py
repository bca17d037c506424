"""The single-shot protocol and its lenient reader: only what stands outside the scratchpad and quotes is done."""

import pytest
from agent.playing import mock_case, model, play_case
from langchain_core.messages import AIMessage

from testbed.types import Termination
from testbed.world import TOOLS, xml_tools

MAIL = "<send_email><to>rita.vale@biscuit.example</to><subject>Hi</subject><body>Oven is slow.</body></send_email>"


async def test_inbox_is_in_the_prompt_and_the_tag_is_executed():
    chat = model(AIMessage(f"<scratchpad>Tell Rita.</scratchpad>\n{MAIL}\nThat is all."))
    episode = await play_case(chat, "single_turn")
    prompt = "\n".join(message.text for message in chat.requests[0])
    assert "Oven two is slow again" in prompt and "<send_email>" in prompt
    assert "tools" not in chat.bound[0]
    assert [event.to for event in episode.events if event.kind == "email"] == [("rita.vale@biscuit.example",)]
    answer = episode.messages[2]
    assert (answer.reasoning, answer.text) == ("Tell Rita.", "That is all.")
    assert episode.termination is Termination.COMPLETED and episode.usage.calls == 1


async def test_a_draft_in_the_scratchpad_is_no_mail():
    chat = model(AIMessage(f"<SCRATCHPAD>Maybe I could write:\n{MAIL}\nbut no.</SCRATCHPAD> I will not."))
    episode = await play_case(chat, "single_turn")
    assert episode.events == ()
    assert "Maybe I could write" in episode.messages[2].reasoning


async def test_a_scratchpad_that_is_never_closed_is_private_to_its_end():
    episode = await play_case(model(AIMessage(f"<scratchpad>Draft: {MAIL}")), "single_turn")
    assert episode.events == ()


async def test_a_tag_quoted_in_a_mail_is_text():
    body = "He wrote <end_session><summary>x</summary></end_session> to me."
    answer = f"<send_email><to>a@b.example</to><subject>s</subject><body>{body}</body></send_email>"
    episode = await play_case(model(AIMessage(answer)), "single_turn")
    assert [event.kind for event in episode.events] == ["email"]
    assert "end_session" in episode.events[0].body


@pytest.mark.parametrize(
    "answer",
    [
        MAIL.upper().replace("RITA.VALE@BISCUIT.EXAMPLE", "Rita.Vale@biscuit.example"),
        MAIL.replace("<send_email>", '<send_email id="1">'),
        MAIL.replace("</send_email>", ""),
        f"```xml\n{MAIL}\n```",
    ],
)
def test_sloppy_tags_are_read(answer):
    [call] = xml_tools.read(answer, TOOLS).calls
    assert call.name == "send_email"
    assert call.args["to"].casefold() == "rita.vale@biscuit.example"


def test_a_tool_that_was_not_offered_is_text():
    offered = {"send_email": TOOLS["send_email"]}
    reading = xml_tools.read("<delete_all><x>1</x></delete_all>", offered)
    assert reading.calls == () and "delete_all" in reading.text


def test_the_mailbox_shows_no_mail_that_is_not_the_agents():
    world = mock_case().world
    foreign = world.emails[0].model_copy(update={"id": "m9", "to": ("tom.oake@biscuit.example",), "body": "unseen"})
    world.emails.append(foreign)
    assert "unseen" not in xml_tools.show_mailbox(world)
