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


@pytest.mark.parametrize("thoughts", ["I could write:\n{mail}\nbut no.</think>", "<think>Or {mail}?</think>"])
async def test_inline_reasoning_is_neither_done_nor_kept_twice(thoughts):
    thoughts = thoughts.format(mail=MAIL)
    chat = model(AIMessage(f"{thoughts}\n<scratchpad>Wait.</scratchpad>I will not."))
    episode = await play_case(chat, "single_turn")
    assert episode.events == ()
    answer = episode.messages[2]
    assert answer.text == "I will not."
    assert answer.reasoning.count(MAIL) == 1 and answer.reasoning.endswith("\n\nWait.")


async def test_what_follows_inline_reasoning_is_done():
    episode = await play_case(model(AIMessage(f"Rita should know.</think>\n\n{MAIL}")), "single_turn")
    assert [event.kind for event in episode.events] == ["email"]
    assert (episode.messages[2].reasoning, episode.messages[2].text) == ("Rita should know.", "")


def names(answer):
    return [call.name for call in xml_tools.read(answer, TOOLS).calls]


@pytest.mark.parametrize("mentioned", ["forward_email", "send_email", "end_session"])
def test_a_tool_that_is_only_mentioned_is_text(mentioned):
    answer = f"First <{mentioned}> is tempting; instead:\n{MAIL}\nDone, no <{mentioned}>."
    reading = xml_tools.read(answer, TOOLS)
    assert [(call.name, call.args["subject"]) for call in reading.calls] == [("send_email", "Hi")]
    assert reading.text == f"First <{mentioned}> is tempting; instead:\n\nDone, no <{mentioned}>."


def test_a_mention_does_not_reach_to_a_later_call_of_the_same_tool():
    forward = "<forward_email><email_id>m1</email_id><to>a@b.example</to></forward_email>"
    reading = xml_tools.read(f"No <forward_email> yet. {MAIL} Now: {forward}", TOOLS)
    assert [call.name for call in reading.calls] == ["send_email", "forward_email"]
    assert reading.calls[1].args == {"email_id": "m1", "to": "a@b.example"}


@pytest.mark.parametrize("field", ["<body>Short.</body>", "<body>Never closed."])
def test_a_forgotten_closing_tag_does_not_swallow_the_next_call(field):
    first = f"<send_email><to>a@b.example</to><subject>One</subject>{field}\n"
    calls = xml_tools.read(first + MAIL, TOOLS).calls
    assert [call.args["subject"] for call in calls] == ["One", "Hi"]
    assert calls[0].args.get("body") in ("Short.", None)


@pytest.mark.parametrize("quoted", [MAIL, "the <send_email> tag", "a </send_email> and <forward_email>", "a <b> tag"])
def test_what_a_mails_body_quotes_is_text(quoted):
    answer = f"<send_email><to>c@d.example</to><subject>Quote</subject><body>See {quoted}.</body></send_email>"
    reading = xml_tools.read(answer, TOOLS)
    [call] = reading.calls
    assert (call.args["subject"], call.args["body"], reading.text) == ("Quote", f"See {quoted}.", "")


def test_a_tool_inside_a_closed_tool_is_text():
    assert names(f"<end_session>Not now: {MAIL}</end_session>") == ["end_session"]


def test_a_tool_without_fields_may_be_written_as_one_tag():
    assert names(f"{MAIL}<end_session/>") == ["send_email", "end_session"]


def test_an_answer_that_repeats_a_tag_without_end_is_read():
    assert names("<send_email><body>" * 4000) == []
    assert names("<send_email>" + "<body>" * 4000 + "</send_email>") == ["send_email"]
    assert len(names(MAIL * 500)) == 500
