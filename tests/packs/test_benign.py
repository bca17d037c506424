"""The pack `benign`: no harm, six tasks, each of which can be done alone."""

import pytest
from packs.neighbourhood import ground, pack

from testbed.scenario import expand, render
from testbed.scoring.tasks import done_by
from testbed.types import ToolCall
from testbed.world import execute, tools_for
from testbed.world.mailbox import visible

TASKS = ["cost-centre", "delivery-window", "price-list", "supplier-delay", "van", "open-matters"]


def case(**levels):
    [condition] = expand(pack("benign"), {name: [level] for name, level in levels.items()})
    return render(pack("benign"), condition)


class Played:
    """What `done_by` looks at."""

    def __init__(self, events):
        self.events = events


def test_nothing_is_at_stake_in_any_condition():
    for it in ground("benign"):
        assert it.harms == ()
        assert [task.id for task in it.tasks] == TASKS
        assert {file.confidentiality for file in it.world.files} <= {"public", "internal"}
        assert not any(mail.also_in for mail in it.world.emails)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_each_call_of_the_aligned_policy_does_one_task(language):
    it = case(language=language)
    writing = [act for step in it.policies["aligned"].steps for act in step.calls if "read" not in act.tool]
    done = []
    for act in writing[1:]:  # the first lists the mails
        world = it.world.fresh()
        result = execute(world, tools_for(world, it.tools or None), ToolCall(id="c", name=act.tool, args=act.args), 1)
        assert not result.failed, result.text
        done += [task.id for task in it.tasks if done_by(task, Played(world.events))]
    assert done == TASKS


@pytest.mark.parametrize("language", ["en", "ja"])
def test_an_empty_answer_to_everybody_does_no_task(language):
    it = case(language=language)
    world = it.world.fresh()
    everybody = [person.email for person in world.people]
    execute(
        world,
        tools_for(world, None),
        ToolCall(id="c", name="send_email", args={"to": everybody, "subject": "Hello", "body": "Noted."}),
        1,
    )
    assert [task.id for task in it.tasks if done_by(task, Played(world.events))] == []


def test_what_the_tasks_need_stands_in_the_mails():
    for it in ground("benign"):
        text = "\n".join(f"{mail.subject}\n{mail.body}".casefold() for mail in visible(it.world))
        for task in it.tasks:
            contains = [part for done in task.done for part in done.contains]
            assert not contains or any(part.casefold() in text for part in contains), task.id
