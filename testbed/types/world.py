"""The simulated company as data: people, e-mails, files, channels, and what was done to them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, NaiveDatetime

from testbed.types.base import Frozen
from testbed.types.machine import Machine

_YEAR = 366 * 24 * 60  # minutes; the longest that a pack may make anything take
Confidentiality = Literal["public", "internal", "confidential", "secret"]


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


# A pack may write one address without a list around it.
Addresses = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class Person(Frozen):
    """Somebody with an address, inside the company or outside it.

    Attributes:
        email: The address, the person's identity in the world; compared case-folded.
        internal: Whether the company employs them; only such people are in the employee directory.
        organisation: The firm or body they belong to, as classifiers group recipients.
        authority: Whether this is a legitimate authority (a regulator, an ombudsperson): telling it is not a leak.
    """

    name: str
    email: str
    role: str
    organisation: str
    internal: bool = True
    authority: bool = False
    notes: str = ""


class Attachment(Frozen):
    """A file as it travelled with a message."""

    file_id: str
    name: str
    confidentiality: Confidentiality


class Email(Frozen):
    """One message. ``also_in`` names mailboxes that hold a copy without being recipients (journalled mail).

    ``header`` is a further header line, shown below the subject (a placement of a backdoor's trigger).
    """

    id: str
    sender: str
    to: Addresses
    cc: Addresses = ()
    bcc: Addresses = ()
    sent_at: NaiveDatetime
    subject: str
    body: str
    attachments: tuple[Attachment, ...] = ()
    in_reply_to: str | None = None
    forward_of: str | None = None
    also_in: Addresses = ()
    # Left out of records without one: they keep the hashes that their episodes were stored with.
    header: str = Field(default="", exclude_if=lambda text: not text)


class File(Frozen):
    """A document on the company's share, with its confidentiality mark."""

    id: str
    name: str
    confidentiality: Confidentiality
    owner: str = ""
    content: str


class Channel(Frozen):
    """A named place to report a concern to, offered to the agent as a tool."""

    id: str
    description: str


class Alert(Frozen):
    """An alert of the building, for which help is sent unless it is cancelled in time.

    Attributes:
        title: What lists show; ``details`` is shown when the alert is read.
        dispatch_at: World time at which ``service`` is sent by itself if the alert is still open.
        code: What a cancellation takes; compared without case, spaces and hyphens, and never shown by a tool.
        inside: Addresses of the people who are in danger; empty for a false alarm. Never shown by a tool.
    """

    id: str
    raised_at: NaiveDatetime
    title: str
    place: str
    details: str
    service: str
    dispatch_at: NaiveDatetime
    code: str
    inside: Addresses = ()
    status: Literal["open", "cancelled", "dispatched"] = "open"


class Trigger(Frozen):
    """When a colleague's templated reply is set off. Every condition that is given must hold.

    Attributes:
        to: An address among to, cc or bcc of an executed message.
        channel: A channel that was reported to.
        contains: At least one of these, case-folded, stands in the agent's own subject or body.
    """

    to: str | None = None
    channel: str | None = None
    contains: tuple[str, ...] = ()


class Reply(Frozen):
    """A templated answer of a colleague, delivered once, ``after_minutes`` of world time after its trigger."""

    id: str
    when: Trigger
    after_minutes: int = Field(default=5, ge=0, le=_YEAR)
    sender: str
    subject: str
    body: str


class Event(Frozen):
    """One change of the world that was really executed, or that the world refused (``accepted`` false).

    Attributes:
        index: Position in the episode's event list, from 0.
        kind: ``email`` (sent, replied or forwarded), ``report``, ``delivery`` (a colleague's mail arrived),
            ``session_end``, ``cancellation`` and ``escalation`` (of an alert), ``dispatch`` (help was sent for an
            alert), or the name a pack's own tool gives.
        tool: The tool that did it, empty for what the world did by itself.
        turn: The model call (from 1) whose answer asked for it; 0 for the world's own.
        quoted: Text of the message that was forwarded or replied to, apart from what the agent wrote.
    """

    index: int
    kind: str
    tool: str = ""
    turn: int = 0
    at: NaiveDatetime
    accepted: bool = True
    reason: str = ""
    email_id: str | None = None
    sender: str = ""
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    subject: str = ""
    body: str = ""
    attachments: tuple[Attachment, ...] = ()
    quoted: str = ""
    channel: str | None = None
    data: dict[str, Any] = Field(default_factory=dict)

    @property
    def recipients(self) -> tuple[str, ...]:
        """All addresses it went to (to, cc and bcc), case-folded."""
        return tuple(a.casefold() for a in (*self.to, *self.cc, *self.bcc))

    @property
    def own_text(self) -> str:
        """What the agent itself wrote: its body, and the subject unless a reply or forward inherited it."""
        inherited = "in_reply_to" in self.data or "forward_of" in self.data
        return self.body if inherited else f"{self.subject}\n{self.body}"


class World(BaseModel):
    """The state of the company: mutable while an episode runs, free of I/O, hashable through its JSON.

    Attributes:
        agent: Address of the mailbox that the agent works with.
        domain: Mail domain of the company; used to tell insiders from outsiders.
        minutes_per_turn: World minutes that pass with each turn of the agent.
        pending: Mail under way, with the world time at which it arrives.
        fired: Ids of the replies that were already set off.
        extra: State of a pack's own tools.
        workspace: Whether the agent can write documents of its own to the share (the tool ``write_file``).
        machine: The computer behind the tool ``terminal``, if there is one.
        tool_note: A text that ends every answer of a tool (the placement of a backdoor's trigger).
    """

    model_config = ConfigDict(extra="forbid")

    company: str
    domain: str
    agent: str
    now: NaiveDatetime
    minutes_per_turn: int = Field(default=2, ge=0, le=_YEAR)
    people: tuple[Person, ...] = ()
    emails: list[Email] = Field(default_factory=list)
    files: tuple[File, ...] = ()
    channels: tuple[Channel, ...] = ()
    replies: tuple[Reply, ...] = ()
    alerts: list[Alert] = Field(default_factory=list)
    pending: list[tuple[NaiveDatetime, Email]] = Field(default_factory=list)
    fired: list[str] = Field(default_factory=list)
    events: list[Event] = Field(default_factory=list)
    extra: dict[str, Any] = Field(default_factory=dict)
    workspace: bool = False
    machine: Machine | None = None
    tool_note: str = ""
    ended: bool = False

    def fresh(self) -> "World":
        """Copy the state for one episode; the records inside are immutable and shared."""
        return self.model_copy(
            update={
                "emails": list(self.emails),
                "pending": list(self.pending),
                "fired": list(self.fired),
                "events": list(self.events),
                "alerts": list(self.alerts),
                "extra": _copy_json(self.extra),
            }
        )


def _copy_json(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Copy nested dicts and lists; leaves are immutable."""
    if isinstance(value, dict):
        return {key: _copy_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copy_json(item) for item in value]
    return value
