"""Mistakes in the story itself: wrong addresses, mails from the future, and replies that nothing can set off."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any

from testbed.authoring.findings import Findings
from testbed.authoring.parts import parts
from testbed.scenario import Scenario
from testbed.scenario.source import Mark, MarkedDict, MarkedList, place
from testbed.types import Case, Reply, World
from testbed.world import tools_for

_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
_SENDING = {"send_email", "reply_to_email", "forward_email"}
_CLOSE = 0.8  # similarity of two domains from which on one looks like a slip for the other


def check_addresses(scenario: Scenario, case: Case, condition: str, findings: Findings) -> None:
    """Report addresses that can be real, that miss the company's domain by a slip, or that are nobody's."""
    world = case.world
    domain = world.domain.casefold().lstrip("@")
    people = {person.email.casefold(): person for person in world.people}
    for address, path in _addresses(case):
        where = _whereabouts(scenario, address, path)
        host = address.rpartition("@")[2]
        person = people.get(address)
        if host.rpartition(".")[2] != "example":
            text = f"the address {address} does not end in .example; it could be somebody's."
            findings.add("error", where, text, condition)
        elif person is None and host == domain and address != world.agent.casefold():
            findings.add("warning", where, f"the address {address} is of the company, but nobody has it.", condition)
        elif host != domain and person is None and _alike(host, domain):
            text = f"the address {address} lies outside the company; did you mean {domain}?"
            findings.add("warning", where, text, condition)
        elif person is not None and person.internal is not (host == domain):
            said = (
                "is marked as internal, but its domain is not the company's"
                if person.internal
                else ("has the company's domain, but is not marked as internal")
            )
            findings.add("warning", where, f"the address {address} {said}.", condition)


def check_dates(scenario: Scenario, case: Case, condition: str, findings: Findings) -> None:
    """Report mails that the agent finds in its mailbox before they were sent."""
    for mail in case.world.emails:
        if mail.sent_at > case.world.now:
            text = f"the mail '{mail.id}' is dated after the world's `now`, and yet lies in the mailbox from the start."
            findings.add("warning", _mark_of(scenario, "emails", mail.id, "sent_at"), text, condition)


def unreachable_replies(case: Case) -> Iterator[tuple[str, str]]:
    """Give the id of each reply that no agent can set off in this case, and why."""
    offered = set(tools_for(case.world, case.tools or None, case.code))
    known = "\n".join([case.system, case.user, *_readable(case.world)]).casefold()
    for reply in case.world.replies:
        why = _why_unreachable(reply, offered, known)
        if why:
            yield reply.id, why


def _why_unreachable(reply: Reply, offered: set[str], known: str) -> str:
    when = reply.when
    if when.channel is not None and "report_concern" not in offered:
        return "it waits for a report to a channel, and the tool report_concern is not offered"
    if when.channel is None and not offered & _SENDING:
        return "it waits for a message, and no tool that sends one is offered"
    if when.to is not None and when.to.casefold() not in known:
        return f"it waits for a message to {when.to}, and the agent can learn that address nowhere"
    if when.channel is not None and when.to is not None and not offered & _SENDING:
        return "it waits for a channel and a recipient at once"
    return ""


def reply_mark(scenario: Scenario, reply_id: str) -> Mark:
    """Find where a reply stands in the pack."""
    return _mark_of(scenario, "replies", reply_id, "when")


def _mark_of(scenario: Scenario, section: str, item_id: str, key: str) -> Mark:
    """Find where an item of the world stands, known by its id and a key that only its kind has."""
    for tree in _mappings(scenario.sections["world"]):
        if tree.get("id") == item_id and key in tree:
            return tree.mark
    return place(scenario.root, ("world", section), Mark(f"{scenario.id}/scenario.yaml", 1))


def _readable(world: World) -> Iterator[str]:
    """Everything that the agent can come to read."""
    yield from (f"{person.name} {person.email}" for person in world.people if person.internal)
    yield from (f"{mail.sender} {mail.to} {mail.cc} {mail.subject}\n{mail.body}" for mail in world.emails)
    yield from (file.content for file in world.files)
    yield from (f"{channel.id} {channel.description}" for channel in world.channels)
    yield from (reply.sender + reply.body for reply in world.replies)


def _addresses(case: Case) -> Iterator[tuple[str, str]]:
    """Give every address of a case once, with the part that it was seen in first."""
    texts = dict(parts(case))
    for person in case.world.people:
        texts[f"people.{person.email}.email"] = person.email
    for name, policy in case.policies.items():
        texts[f"policies.{name}"] = repr(policy.model_dump(mode="json"))
    seen = set()
    for path, text in texts.items():
        for match in _ADDRESS.findall(text):
            address = match.casefold().rstrip(".")
            if address not in seen:
                seen.add(address)
                yield address, path


def _alike(host: str, domain: str) -> bool:
    """Whether a domain looks like a slip for the company's."""
    return (
        SequenceMatcher(None, host, domain).ratio() >= _CLOSE
        and host.split(".")[0] != "mail"
        or (host.split(".")[0] == domain.split(".")[0])
    )


def _whereabouts(scenario: Scenario, address: str, path: str) -> str:
    """Find the line that holds an address; one that is put together from vars is named by its part of the case."""
    for text, mark in _texts(scenario.root, scenario.root.mark):
        if address in text.casefold():
            return str(mark)
    return f"{scenario.id}: {path}"


def _texts(value: Any, mark: Mark) -> Iterator[tuple[str, Mark]]:  # noqa: ANN401 - any YAML value
    if isinstance(value, str):
        yield value, mark
    elif isinstance(value, MarkedDict):
        for key, item in value.items():
            yield from _texts(item, value.marks[key])
    elif isinstance(value, MarkedList):
        for item, item_mark in zip(value, value.marks, strict=True):
            yield from _texts(item, item_mark)


def _mappings(value: Any) -> Iterator[MarkedDict]:  # noqa: ANN401 - any YAML value
    if isinstance(value, MarkedDict):
        yield value
        for item in value.values():
            yield from _mappings(item)
    elif isinstance(value, MarkedList):
        for item in value:
            yield from _mappings(item)
