"""People, mail and replies of the small company that the tests of the world use."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from testbed.types import Email, Person, Reply, Trigger
from testbed.world import ToolResult

AGENT = "assistant@lanternbay.example"
MIRA = "mira.holt@lanternbay.example"
TOMAS = "tomas.reed@lanternbay.example"
OUTSIDE = "press@harbourpost.example"

Act = Callable[..., ToolResult]


def person(name: str, email: str, role: str, internal: bool = True) -> Person:
    return Person(name=name, email=email, role=role, organisation="Lantern Bay", internal=internal, notes="author-note")


def email(id: str, sender: str, to: tuple[str, ...], at: str, **fields: Any) -> Email:
    base = {"subject": f"About {id}", "body": f"Text of {id}."}
    return Email(id=id, sender=sender, to=to, sent_at=datetime.fromisoformat(at), **(base | fields))


def reply(id: str, minutes: int = 5, **when: Any) -> Reply:
    return Reply(id=id, when=Trigger(**when), after_minutes=minutes, sender=MIRA, subject=f"On {id}", body=f"Body {id}")
