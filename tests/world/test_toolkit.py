"""The tool mechanism: schemas, arguments, failures."""

from collections.abc import Sequence
from typing import Annotated, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field

from testbed.errors import TestbedError
from testbed.types import Alert, ToolCall, World
from testbed.types.machine import Machine
from testbed.world import TOOLS, Effect, ToolContext, ToolError, execute, tool, tools_for


@tool(effect=Effect.WRITE)
def sample(
    ctx: ToolContext,
    title: str,
    names: Sequence[str] = (),
    count: Annotated[int, Field(ge=1)] = 1,
    note: str | None = None,
) -> str:
    """Do a sample
    thing.

    More about it,
    on two lines.

    Args:
        ctx: The state.
        title: The title
            of it.
        names: Names.

    Returns:
        What was given.
    """
    ctx.world.extra["sample"] = title
    if title == "refuse":
        ctx.record("sample", body=title)
        raise ToolError("Refused.")
    if title == "bug":
        raise ZeroDivisionError
    return f"{title}|{list(names)}|{count}|{note}"


SAMPLE = {"sample": sample}


def call(world: World, **args: Any):
    return execute(world, SAMPLE, ToolCall(id="c", name="sample", args=args), 1)


def test_schema_is_made_of_signature_and_docstring():
    function = sample.schema()["function"]
    assert function["description"] == "Do a sample thing.\n\nMore about it, on two lines."
    parameters = function["parameters"]
    assert list(parameters["properties"]) == ["title", "names", "count", "note"]
    assert parameters["required"] == ["title"]
    assert parameters["additionalProperties"] is False
    assert parameters["properties"]["title"] == {"description": "The title of it.", "type": "string"}
    assert parameters["properties"]["names"]["items"] == {"type": "string"}
    assert "ctx" not in str(parameters)
    assert sample.schema() is sample.schema()


def test_no_builtin_schema_has_pydantic_titles_and_every_parameter_is_described():
    for each in TOOLS.values():
        parameters = each.schema()["function"]["parameters"]
        assert "title" not in parameters
        for field in parameters["properties"].values():
            assert "title" not in field
            assert field["description"]


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("one", ["one"]),
        ("", []),
        ('["one", "two"]', ["one", "two"]),
        ("[draft", ["[draft"]),
        (["one", 2], ["one", "2"]),
        (None, []),
    ],
)
def test_a_list_of_strings_is_read_leniently(world: World, given: Any, read: list[str]):
    assert call(world, title="t", names=given).text == f"t|{read}|1|None"


def test_none_means_left_out_for_optional_arguments_only(world: World):
    assert call(world, title="t", count=None, note=None).text == "t|[]|1|None"
    result = call(world, title=None)
    assert result.failed
    assert "- title:" in result.text


def test_errors_name_each_argument_on_a_line_of_its_own(world: World):
    result = call(world, names=[{}, {}], count=0, nonsense=1)
    assert result.failed
    lines = result.text.splitlines()
    assert [line.split(":")[0] for line in lines[1:]] == ["- title", "- names", "- count", "- nonsense"]
    assert "is required" in lines[1]
    assert "known: title, names, count, note" in lines[4]
    assert "http" not in result.text
    assert "pydantic" not in result.text


def test_a_number_of_thousands_of_digits_and_a_lone_surrogate_are_refused(world: World):
    assert call(world, title=10**5000).failed
    assert call(world, title="\ud800").failed
    assert call(world, title="t", names=["ok", "\ud800"]).failed
    assert call(world, **{"title": "t", "\ud800": 1}).failed
    result = execute(world, SAMPLE, ToolCall(id="c", name="\ud800"), 1)
    result.text.encode()


def test_too_long_arguments_are_refused(world: World):
    assert not call(world, title="x" * 20_000).failed
    assert "title: at most 20,000" in call(world, title="x" * 20_001).text
    assert "names: at most 20,000" in call(world, title="t", names=["x" * 15_000] * 2).text


def test_an_unknown_tool_names_the_known_ones(world: World):
    result = execute(world, TOOLS, ToolCall(id="c", name="delete_all"), 1)
    assert result.failed
    assert "'delete_all'" in result.text
    assert "send_email" in result.text


def test_unreadable_arguments_are_told(world: World):
    broken = ToolCall(id="c", name="sample", raw="{", error="not valid JSON: line 1")
    result = execute(world, SAMPLE, broken, 1)
    assert result.failed
    assert "not valid JSON: line 1" in result.text
    assert "sample" not in world.extra


def test_a_refused_call_takes_back_what_it_had_written(world: World):
    world.extra["nested"] = {"list": [1]}
    before = world.model_dump_json()
    result = call(world, title="refuse")
    assert result.failed
    assert "Refused." in result.text
    assert world.model_dump_json() == before


def test_a_bug_in_a_tool_is_not_hidden(world: World):
    with pytest.raises(ZeroDivisionError):
        call(world, title="bug")


def test_a_reading_tool_may_record_nothing(world: World):
    @tool(effect=Effect.READ)
    def sly(ctx: ToolContext) -> str:
        """Look."""
        ctx.record("sly")
        return ""

    with pytest.raises(RuntimeError, match="sly"):
        execute(world, {"sly": sly}, ToolCall(id="c", name="sly"), 1)


def test_record_fills_in_index_time_turn_and_tool(world: World):
    ctx = ToolContext(world, turn=4, tool="sample")
    ctx.record("first")
    event = ctx.record("second", body="b")
    assert (event.index, event.at, event.turn, event.tool, event.body) == (1, world.now, 4, "sample", "b")
    assert world.events[1] is event


def test_an_author_is_told_of_a_tool_that_cannot_be_described():
    def silent(ctx: ToolContext) -> str:
        return ""

    def bare(ctx: ToolContext, x) -> str:
        """Do it."""
        return ""

    def stranger(ctx: ToolContext, x: str) -> str:
        """Do it.

        Args:
            y: Not there.
        """
        return ""

    for fn, message in ((silent, "docstring"), (bare, "annotation"), (stranger, "'y'")):
        with pytest.raises(TestbedError, match=message):
            tool(effect=Effect.READ)(fn)


def test_tools_for_keeps_order_and_leaves_out_reports_without_channels(world: World):
    world.workspace, world.machine = True, Machine()
    now = world.now
    world.alerts = [
        Alert(id="A1", raised_at=now, title="t", place="p", details="d", service="s", dispatch_at=now, code="c")
    ]
    assert list(tools_for(world, None)) == list(TOOLS)
    assert list(tools_for(world, ["read_file", "report_concern"])) == ["read_file", "report_concern"]
    world.channels = ()
    assert list(tools_for(world, ["report_concern", "read_file"])) == ["read_file"]
    assert "report_concern" not in tools_for(world, None)
    with pytest.raises(TestbedError, match=r"delete_all; known: list_emails"):
        tools_for(world, ["delete_all"])


TEXT = st.text(st.characters(exclude_categories=[]))  # lone surrogates too
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
NEAR = st.sampled_from(
    [
        "",
        "e1",
        "E7",
        "e3",
        "f1",
        "notes.txt",
        "press@harbourpost.example",
        "no@lanternbay.example",
        "a@b",
        "ethics-line",
    ]
)
ARGUMENT = NEAR | JSON | st.lists(NEAR, max_size=3)
KEYS = sorted({name for each in TOOLS.values() for name in each.args_model.model_fields})


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A built-in tool with arguments that are sometimes right, sometimes wrong and sometimes absurd."""
    name = draw(st.sampled_from(list(TOOLS)))
    own = list(TOOLS[name].args_model.model_fields)
    args = draw(st.fixed_dictionaries({}, optional={key: ARGUMENT for key in own}))
    return name, args | draw(st.dictionaries(st.sampled_from(KEYS) | TEXT, ARGUMENT, max_size=1))


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.lists(calls(), min_size=1, max_size=4))
def test_no_arguments_raise_and_a_failed_call_changes_nothing(world: World, asked: list[tuple[str, dict[str, Any]]]):
    fresh = world.fresh()
    for name, args in asked:
        before = fresh.model_dump_json()
        result = execute(fresh, TOOLS, ToolCall(id="c", name=name, args=args), 1)
        result.text.encode()
        if result.failed or TOOLS[name].effect is Effect.READ:
            assert fresh.model_dump_json() == before
        else:
            assert len(fresh.events) == len(World.model_validate_json(before).events) + 1
    assert not world.events
