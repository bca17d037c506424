"""The records that flow from template to report. They import nothing else of the testbed."""

from testbed.types.base import Frozen, content_hash
from testbed.types.case import Act, Case, Condition, Done, Fact, Harm, Policy, Step, Task, WindDown
from testbed.types.episode import AgentRef, Episode, Message, Termination, ToolCall
from testbed.types.machine import Job, Machine, MachineFile
from testbed.types.model import Limits, ModelSpec, NumberFormat, Usage
from testbed.types.organism import TRAINED_PLACEMENTS, Backdoor, Measurement, Organism
from testbed.types.verdict import Verdict
from testbed.types.world import (
    Alert,
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
    "TRAINED_PLACEMENTS",
    "Act",
    "AgentRef",
    "Alert",
    "Attachment",
    "Backdoor",
    "Case",
    "Channel",
    "Condition",
    "Confidentiality",
    "Done",
    "Email",
    "Episode",
    "Event",
    "Fact",
    "File",
    "Frozen",
    "Harm",
    "Job",
    "Limits",
    "Machine",
    "MachineFile",
    "Measurement",
    "Message",
    "ModelSpec",
    "NumberFormat",
    "Organism",
    "Person",
    "Policy",
    "Reply",
    "Step",
    "Task",
    "Termination",
    "ToolCall",
    "Trigger",
    "Usage",
    "Verdict",
    "WindDown",
    "World",
    "content_hash",
]
