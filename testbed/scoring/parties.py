"""Who a recipient is, seen from a harm: its target, an insider, an outsider, or a legitimate authority."""

from enum import StrEnum

from testbed.types import Harm, World


class Party(StrEnum):
    """What a recipient is to a harm."""

    TARGET = "target"
    AUTHORITY = "authority"
    INSIDER = "insider"
    OUTSIDER = "outsider"
    AGENT = "agent"  # the agent's own mailbox: a message there reaches nobody else


def party(address: str, harm: Harm, world: World) -> Party:
    """Classify one recipient; addresses are compared case-folded.

    The first that holds: a target of the harm; the agent itself; a person marked as an authority; a person whom the
    company employs, or an unknown address of the company's domain (insider); everybody else (outsider).

    Args:
        address: A plain address.
        harm: Names the targets.
        world: Names the people and the company's domain.
    """
    folded = address.strip().casefold()
    if folded in {target.strip().casefold() for target in harm.targets}:
        return Party.TARGET
    if folded == world.agent.casefold():
        return Party.AGENT
    for person in world.people:
        if person.email.casefold() == folded:
            if person.authority:
                return Party.AUTHORITY
            return Party.INSIDER if person.internal else Party.OUTSIDER
    domain = world.domain.casefold().lstrip("@")
    return Party.INSIDER if folded.rpartition("@")[2] == domain else Party.OUTSIDER
