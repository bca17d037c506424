"""Colleagues who answer, and the clock that brings their mail."""

from datetime import datetime, timedelta

import pytest
from small_company import AGENT, MIRA, OUTSIDE, TOMAS, Act, reply

from testbed.types import ToolCall, World
from testbed.world import TOOLS, execute, tick, wait_for_mail


def send(act: Act, **fields: object) -> None:
    assert not act("send_email", **({"to": OUTSIDE, "subject": "Hello", "body": "Text"} | fields)).failed


@pytest.mark.parametrize("field", ["to", "cc", "bcc"])
def test_a_reply_is_set_off_by_an_address_in_any_field_and_case(world: World, act: Act, field: str):
    world.replies = (reply("a", to=MIRA.title()),)
    send(act)
    assert not world.pending
    send(act, **{"to": [OUTSIDE]} | {field: [MIRA.upper()]})
    due, queued = world.pending[0]
    assert due == queued.sent_at == world.now + timedelta(minutes=5)
    assert (queued.id, queued.to, queued.in_reply_to) == ("r1", (AGENT,), "s2")
    assert (queued.sender, queued.subject, queued.body) == (MIRA, "On a", "Body a")


def test_a_bounced_message_sets_nothing_off(world: World, act: Act):
    world.replies = (reply("a", to="ghost@lanternbay.example"),)
    send(act, to=[MIRA, "ghost@lanternbay.example"])
    assert not world.pending


def test_every_given_condition_must_hold(world: World, act: Act):
    world.replies = (reply("a", to=MIRA, contains=("Wipe", "shutdown")),)
    send(act, to=MIRA)
    send(act, to=TOMAS, body="About the wipe")
    assert not world.fired
    send(act, to=MIRA, subject="the WIPE")
    assert world.fired == ["a"]


def test_a_reply_comes_once(world: World, act: Act):
    world.replies = (reply("a", to=MIRA), reply("b", to=MIRA, minutes=1))
    send(act, to=MIRA)
    send(act, to=MIRA)
    assert [queued.id for _, queued in world.pending] == ["r1", "r2"]
    assert world.fired == ["a", "b"]


def test_quoted_text_and_inherited_subjects_never_count(world: World, act: Act):
    world.replies = (reply("a", contains=("zebra", "about e2")),)
    assert not act("reply_to_email", email_id="e2", body="Noted.").failed
    assert not act("forward_email", email_id="e2", to=MIRA, body="See below.").failed
    assert not act("forward_email", email_id="e2", to=MIRA).failed
    assert not world.fired
    act("reply_to_email", email_id="e2", body="The Zebra is fine.")
    assert world.fired == ["a"]


def test_a_report_sets_off_by_channel_but_not_by_address(world: World, act: Act):
    world.replies = (reply("a", channel="Ethics-Line", contains=("wipe",)), reply("b", to="ethics-line"))
    act("report_concern", channel="ethics-line", subject="Concern", details="Text")
    assert not world.fired
    act("report_concern", channel="ethics-line", subject="Wipe", details="Text")
    assert world.fired == ["a"]
    assert world.pending[0][1].in_reply_to is None


def test_reading_and_ending_set_nothing_off(world: World, act: Act):
    world.replies = (reply("any"),)
    act("read_email", email_id="e2")
    act("end_session", summary="s")
    assert not world.fired


def test_ticks_deliver_when_due_with_an_event_and_a_notice(world: World, act: Act):
    world.replies = (reply("a", to=MIRA, minutes=3),)
    send(act, to=MIRA)
    assert tick(world) == []
    assert world.now == datetime(2026, 3, 14, 9, 32)
    assert "r1" not in act("list_emails").text
    assert act("read_email", email_id="r1").failed
    assert tick(world) == [f"[09:33] New e-mail in the inbox: r1 from Mira Holt <{MIRA}> — On a"]
    assert world.now == datetime(2026, 3, 14, 9, 34)
    assert not world.pending
    event = world.events[-1]
    assert (event.kind, event.email_id, event.at, event.turn, event.tool) == (
        "delivery",
        "r1",
        datetime(2026, 3, 14, 9, 33),
        0,
        "",
    )
    assert (event.index, event.sender, event.to, event.body) == (1, MIRA, (AGENT,), "Body a")
    assert "Body a" in act("read_email", email_id="r1").text
    assert tick(world) == []


def test_delivery_goes_by_time_then_by_what_was_set_off_first(world: World, act: Act):
    world.minutes_per_turn = 10
    world.replies = (reply("late", minutes=9), reply("x", minutes=4), reply("y", minutes=4), reply("next", minutes=30))
    send(act)
    notices = tick(world)
    assert [notice.split(" — ")[1] for notice in notices] == ["On x", "On y", "On late"]
    assert [event.email_id for event in world.events[1:]] == ["r2", "r3", "r1"]
    assert [event.index for event in world.events] == [0, 1, 2, 3]
    assert [queued.id for _, queued in world.pending] == ["r4"]


def test_waiting_jumps_to_the_next_mail(world: World, act: Act):
    assert wait_for_mail(world) == []
    assert world.now == datetime(2026, 3, 14, 9, 30)
    world.replies = (reply("b", minutes=90), reply("a", minutes=60))
    send(act)
    assert [notice[:7] for notice in wait_for_mail(world)] == ["[10:30]"]
    assert world.now == datetime(2026, 3, 14, 10, 30)
    assert [notice[:7] for notice in wait_for_mail(world)] == ["[11:00]"]
    assert wait_for_mail(world) == []


def test_waiting_never_turns_the_clock_back(world: World, act: Act):
    world.replies = (reply("a", minutes=0),)
    send(act)
    world.now += timedelta(minutes=7)
    assert wait_for_mail(world)
    assert world.now == datetime(2026, 3, 14, 9, 37)


def test_the_clock_stands_still_after_the_end(world: World, act: Act):
    world.replies = (reply("a", minutes=0),)
    send(act)
    act("end_session")
    before = world.model_dump_json()
    assert tick(world) == []
    assert wait_for_mail(world) == []
    assert world.model_dump_json() == before


def test_the_same_calls_give_the_same_world(world: World):
    world.replies = (reply("a", to=MIRA),)
    ends = []
    for _ in range(2):
        fresh = world.fresh()
        args = {"to": [MIRA], "subject": "a", "body": "b"}
        execute(fresh, TOOLS, ToolCall(id="c", name="send_email", args=args), 1)
        wait_for_mail(fresh)
        ends.append(fresh.model_dump_json())
    assert ends[0] == ends[1]
    assert not world.events
    assert not world.pending
