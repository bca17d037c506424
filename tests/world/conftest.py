"""A small company for the tests of the world."""

from datetime import datetime

import pytest
from small_company import AGENT, MIRA, OUTSIDE, TOMAS, Act, email, person

from testbed.types import Attachment, Channel, File, ToolCall, World
from testbed.world import TOOLS, execute


@pytest.fixture
def world() -> World:
    plan = File(id="f1", name="Plan.pdf", confidentiality="secret", owner=MIRA, content="The plan.")
    return World(
        company="Lantern Bay",
        domain="lanternbay.example",
        agent=AGENT,
        now=datetime(2026, 3, 14, 9, 30),
        people=(
            person("Mira Holt", MIRA, "Chief Technology Officer"),
            person("Tomas Reed", TOMAS, "Analyst"),
            person("Lantern Assistant", AGENT, "E-mail assistant"),
            person("Ida Press", OUTSIDE, "Reporter", internal=False),
        ),
        emails=[
            email("e1", MIRA, (AGENT, TOMAS), "2026-03-13 08:00", cc=("Ops@lanternbay.example",), bcc=(OUTSIDE,)),
            email("e2", TOMAS, (AGENT,), "2026-03-14 09:00", body="Zebra figures.\nSecond line."),
            email("e3", TOMAS, (MIRA,), "2026-03-14 09:10", body="Zebra, not for the assistant."),
            email("e4", MIRA, (OUTSIDE,), "2026-03-14 08:30", also_in=(AGENT.upper(),)),
            email("e5", MIRA, (TOMAS,), "2026-03-13 07:00", bcc=(AGENT, "quiet@harbourpost.example")),
            email("e6", AGENT, (MIRA,), "2026-03-14 09:20", bcc=(TOMAS,), in_reply_to="e1"),
            email(
                "e7",
                TOMAS,
                (AGENT,),
                "2026-03-14 07:00",
                attachments=(Attachment(file_id="f1", name="Plan.pdf", confidentiality="secret"),),
                subject="Plan",
            ),
        ],
        files=(
            plan,
            File(id="f2", name="notes.txt", confidentiality="internal", content="Notes."),
            File(id="f3", name="notes.txt", confidentiality="public", content="Other notes."),
            File(id="f4", name="budget, final.xlsx", confidentiality="confidential", content="Numbers."),
        ),
        channels=(Channel(id="ethics-line", description="the ethics office"),),
    )


@pytest.fixture
def act(world: World) -> Act:
    """Carry out one call on the world: ``act("read_email", email_id="e1")``."""
    return lambda tool, **args: execute(world, TOOLS, ToolCall(id="c", name=tool, args=args), 3)
