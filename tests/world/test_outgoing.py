"""Sending, replying and forwarding: what is executed, and what is refused."""

import pytest
from small_company import AGENT, MIRA, OUTSIDE, TOMAS, Act, email

from testbed.types import World


def test_a_message_is_delivered_and_recorded(world: World, act: Act):
    result = act(
        "send_email", to=[MIRA], subject="Hi\n there", body="Text", cc=[OUTSIDE], bcc=[TOMAS], attachments="f1"
    )
    assert not result.failed
    sent, event = world.emails[-1], world.events[0]
    assert (sent.id, sent.sender, sent.sent_at, sent.subject, sent.body) == ("s1", AGENT, world.now, "Hi there", "Text")
    assert (event.kind, event.email_id, event.sender, event.turn, event.tool) == ("email", "s1", AGENT, 3, "send_email")
    assert (event.to, event.cc, event.bcc) == ((MIRA,), (OUTSIDE,), (TOMAS,))
    assert (event.subject, event.body, event.quoted) == ("Hi there", "Text", "")
    assert [(a.file_id, a.name, a.confidentiality) for a in event.attachments] == [("f1", "Plan.pdf", "secret")]
    assert (sent.to, sent.cc, sent.bcc, sent.attachments) == (event.to, event.cc, event.bcc, event.attachments)
    assert "s1" in result.text


def test_ids_do_not_meet_those_of_the_pack_or_of_pending_mail(world: World, act: Act):
    world.emails.append(email("S1", MIRA, (AGENT,), "2026-03-14 09:00"))
    world.pending.append((world.now, email("s2", MIRA, (AGENT,), "2026-03-14 09:30")))
    for _ in range(2):
        act("send_email", to=MIRA, subject="a", body="b")
    assert [event.email_id for event in world.events] == ["s3", "s4"]


@pytest.mark.parametrize(
    "given",
    [
        f"{MIRA}, {OUTSIDE}",
        f"{MIRA};{OUTSIDE};",
        [f'"Holt, Mira" <{MIRA}>', f"Ida < {OUTSIDE} >"],
        [f"{MIRA}; {MIRA.upper()}", OUTSIDE],
        f'["{MIRA}", "{OUTSIDE}"]',
    ],
)
def test_addresses_are_read_leniently_and_once(world: World, act: Act, given: object):
    act("send_email", to=given, subject="a", body="b", cc=[OUTSIDE.title()])
    assert world.events[0].to == (MIRA, OUTSIDE)
    assert world.events[0].cc == ()


def test_an_address_in_the_wrong_case_is_the_same_person(world: World, act: Act):
    result = act("send_email", to=MIRA.upper(), subject="a", body="b")
    assert not result.failed
    assert world.events[0].to == (MIRA.upper(),)  # as written
    assert world.events[0].recipients == (MIRA,)


@pytest.mark.parametrize(
    "bad", ["Mira Holt", "mira@", "@x.example", "a@b", "a b@x.example", "a@@x.example", "a@x..example", "a@.example"]
)
def test_a_malformed_address_stops_the_message(world: World, act: Act, bad: str):
    before = world.model_dump_json()
    result = act("send_email", to=[MIRA], subject="a", body="b", bcc=[bad])
    assert result.failed
    assert bad in result.text
    assert world.model_dump_json() == before


def test_unknown_colleagues_bounce_and_the_rest_is_delivered(world: World, act: Act):
    result = act(
        "send_email", to=["ghost@LanternBay.example", MIRA], cc=["new@elsewhere.example"], subject="a", body="b"
    )
    assert not result.failed
    assert "no such mailbox at lanternbay.example: ghost@LanternBay.example" in result.text
    assert world.events[0].to == (MIRA,)
    assert world.events[0].cc == ("new@elsewhere.example",)
    assert world.events[0].data["bounced"] == ["ghost@LanternBay.example"]
    assert world.emails[-1].to == (MIRA,)


def test_nobody_left_is_an_error(world: World, act: Act):
    before = world.model_dump_json()
    assert "ghost@" in act("send_email", to="ghost@lanternbay.example", subject="a", body="b").text
    assert act("send_email", to=[], subject="a", body="b").failed
    assert world.model_dump_json() == before
    assert not act("send_email", to=[], bcc=MIRA, subject="a", body="b").failed


def test_an_empty_message_and_a_missing_file_are_errors(world: World, act: Act):
    assert act("send_email", to=MIRA, subject=" ", body="\n").failed
    assert not act("send_email", to=MIRA, subject="", body="b").failed
    assert not act("send_email", to=MIRA, subject="a", body="").failed
    assert "'f9'" in act("send_email", to=MIRA, subject="a", body="b", attachments=["f1", "f9"]).text
    assert len(world.events) == 2


def test_attachments_are_named_by_id_or_name(world: World, act: Act):
    act("send_email", to=MIRA, subject="a", body="b", attachments=["budget, FINAL.xlsx", "plan.pdf, f1; F2"])
    assert [a.file_id for a in world.events[0].attachments] == ["f4", "f1", "f2"]
    ambiguous = act("send_email", to=MIRA, subject="a", body="b", attachments="notes.txt")
    assert ambiguous.failed
    assert "f2, f3" in ambiguous.text


def test_a_reply_quotes_and_goes_to_the_sender(world: World, act: Act):
    assert not act("reply_to_email", email_id="e2", body="Thanks.").failed
    event, sent = world.events[0], world.emails[-1]
    assert (event.to, event.cc, event.subject) == ((TOMAS,), (), "Re: About e2")
    assert (event.body, event.quoted) == ("Thanks.", "Zebra figures.\nSecond line.")
    assert sent.in_reply_to == "e2"
    expected = f"On 2026-03-14 09:00, Tomas Reed <{TOMAS}> wrote:\n> Zebra figures.\n> Second line."
    assert sent.body == f"Thanks.\n\n{expected}"
    act("reply_to_email", email_id=sent.id, body="More.")
    assert world.events[1].subject == "Re: About e2"
    assert world.events[1].to == (TOMAS,)  # a reply to own mail goes on to whom it went to


def test_reply_all_takes_the_others_but_no_blind_copies(world: World, act: Act):
    world.people += (world.people[0].model_copy(update={"email": "ops@lanternbay.example"}),)
    act("reply_to_email", email_id="e1", body="All.", reply_all="true", bcc=["x@elsewhere.example"])
    event = world.events[0]
    assert (event.to, event.cc) == ((MIRA, TOMAS), ("Ops@lanternbay.example",))
    assert event.bcc == ("x@elsewhere.example",)
    assert OUTSIDE not in world.emails[-1].body
    assert act("reply_to_email", email_id="e1", body=" ").failed


def test_a_forward_carries_attachments_and_keeps_the_quotation_apart(world: World, act: Act):
    assert not act("forward_email", email_id="e7", to=OUTSIDE, body="See below.", attachments=["f1", "f4"]).failed
    event, sent = world.events[0], world.emails[-1]
    assert sent.forward_of == "e7"
    assert event.data["forward_of"] == "e7"
    assert [a.file_id for a in event.attachments] == ["f1", "f4"]
    assert (event.body, event.subject) == ("See below.", "Fwd: Plan")
    assert "Text of e7." in event.quoted
    assert f"From: Tomas Reed <{TOMAS}>" in event.quoted
    assert sent.body.startswith("See below.\n\n---------- Forwarded message")
    assert sent.body.endswith("Text of e7.")


def test_a_forward_of_own_mail_does_not_give_its_blind_copies_away(world: World, act: Act):
    act("forward_email", email_id="e6", to=OUTSIDE)
    assert "tomas" not in world.emails[-1].body.casefold()
    assert world.events[0].body == ""


def test_mail_to_oneself_arrives(world: World, act: Act):
    act("send_email", to=AGENT, subject="Memo", body="b")
    assert "Memo" in act("list_emails", limit=1).text
