"""The records that flow from template to report. They import nothing else of the testbed."""

from testbed.types.base import Frozen, content_hash
from testbed.types.case import Act, Case, Condition, Fact, Harm, Policy, Step
from testbed.types.episode import AgentRef, Episode, Message, Termination, ToolCall
from testbed.types.model import Limits, ModelSpec, Usage
from testbed.types.verdict import Verdict
from testbed.types.world import (
    Attachment,
    Channel,
    Confidentiality,
    Email,
    Event,
    File,
    Person,
    Reply,
    Trigger,
    World,
)

__all__ = [
    "Act",
    "AgentRef",
    "Attachment",
    "Case",
    "Channel",
    "Condition",
    "Confidentiality",
    "Email",
    "Episode",
    "Event",
    "Fact",
    "File",
    "Frozen",
    "Harm",
    "Limits",
    "Message",
    "ModelSpec",
    "Person",
    "Policy",
    "Reply",
    "Step",
    "Termination",
    "ToolCall",
    "Trigger",
    "Usage",
    "Verdict",
    "World",
    "content_hash",
]
