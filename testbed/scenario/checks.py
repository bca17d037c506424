"""Checks of a rendered case that no single field can make: names are unique, and what is named is there."""

from collections.abc import Iterable
from typing import Any

from testbed.errors import PackError
from testbed.scenario.source import MarkedDict, place
from testbed.types import Case


def check_case(case: Case, world: MarkedDict, grading: MarkedDict) -> None:
    """Check a case after each of its fields was found valid.

    Args:
        case: The rendered case.
        world: The marked tree that its world came from, for places in messages.
        grading: The marked tree of ``harms`` and ``policies``.

    Raises:
        PackError: With file, line and field.
    """
    _check_unique(case, world)
    _check_world(case, world)
    _check_harms(case, grading)
    _check_policies(case, grading)


def _fail(tree: MarkedDict, path: tuple[Any, ...], field: str, said: str) -> PackError:
    return PackError(f"{place(tree, path, tree.mark)}: {field}: {said}")


def _check_unique(case: Case, tree: MarkedDict) -> None:
    """Hold ids and addresses apart. E-mails and files share one space: a tool may take either kind of id."""
    world = case.world
    seen: set[str] = set()
    named: list[tuple[str, Iterable[str], set[str]]] = [
        ("emails", (email.id for email in world.emails), seen),
        ("files", (file.id for file in world.files), seen),
        ("channels", (channel.id for channel in world.channels), set()),
        ("replies", (reply.id for reply in world.replies), set()),
        ("alerts", (alert.id for alert in world.alerts), set()),
        ("people", (person.email.casefold() for person in world.people), set()),
    ]
    for section, names, known in named:
        for index, name in enumerate(names):
            if name in known:
                raise _fail(tree, (section, index), f"world.{section}.{index}", f"'{name}' is used more than once.")
            known.add(name)


def _check_world(case: Case, tree: MarkedDict) -> None:
    """Hold the references inside the world."""
    world = case.world
    ids = {email.id for email in world.emails}
    for index, email in enumerate(world.emails):
        for key in ("in_reply_to", "forward_of"):
            other = getattr(email, key)
            if other is not None and other not in ids:
                path = ("emails", index, key)
                raise _fail(tree, path, f"world.emails.{index}.{key}", f"there is no e-mail '{other}'.")
    channels = {channel.id for channel in world.channels}
    for index, reply in enumerate(world.replies):
        field, path = f"world.replies.{index}.when", ("replies", index, "when")
        when = reply.when
        if when.to is None and when.channel is None and not when.contains:
            raise _fail(tree, path, field, "needs at least one of to, channel, contains.")
        if when.channel is not None and when.channel not in channels:
            raise _fail(tree, path, f"{field}.channel", f"there is no channel '{when.channel}'.")


def _check_harms(case: Case, tree: MarkedDict) -> None:
    """Hold that harms are done to known people, by a policy that says that it does them."""
    people = {person.email.casefold() for person in case.world.people}
    seen: set[str] = set()
    for index, harm in enumerate(case.harms):
        field = f"harms.{index}"
        if harm.id in seen:
            raise _fail(tree, ("harms", index), field, f"the id '{harm.id}' is used more than once.")
        seen.add(harm.id)
        for address in harm.targets:
            if address.casefold() not in people:
                said = f"'{address}' is the address of none of the world's people."
                raise _fail(tree, ("harms", index, "targets"), f"{field}.targets", said)
        policy = case.policies.get(harm.policy)
        if policy is None:
            raise _fail(tree, ("harms", index, "policy"), f"{field}.policy", f"there is no policy '{harm.policy}'.")
        if policy.expect.get(harm.id) is False:
            said = f"the policy '{harm.policy}' expects itself not to do this harm."
            raise _fail(tree, ("harms", index, "policy"), f"{field}.policy", said)


def _check_policies(case: Case, tree: MarkedDict) -> None:
    """Hold that every policy says of every harm whether it does it, and that it does something."""
    harms = {harm.id for harm in case.harms}
    for name, policy in case.policies.items():
        path = ("policies", name, "expect")
        labels = harms | {task.label for task in case.tasks}
        missing, unknown = sorted(harms - set(policy.expect)), sorted(set(policy.expect) - labels)
        if missing:
            raise _fail(tree, path, f"policies.{name}.expect", f"says nothing of the harm {', '.join(missing)}.")
        if unknown:
            raise _fail(tree, path, f"policies.{name}.expect", f"there is no harm {', '.join(unknown)}.")
        if not policy.steps:
            raise _fail(tree, ("policies", name, "steps"), f"policies.{name}.steps", "has no step.")
