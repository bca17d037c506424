"""Agent files: loaded by path, shared when compiled, refused with a sentence when wrong."""

import sys

import pytest
from agent.playing import call, model, play_case
from langchain_core.messages import AIMessage

from testbed import content
from testbed.agent import load_program
from testbed.errors import TestbedError
from testbed.types import Termination

POSTPONED = """
from __future__ import annotations
from typing import TypedDict
from langgraph.graph import StateGraph, START, END
from langgraph.runtime import Runtime
from testbed.agent import Session

class State(TypedDict):
    messages: list

async def step(state: State, runtime: Runtime[Session]) -> dict:
    return {"messages": [await runtime.context.ask(state["messages"])]}

builder = StateGraph(State, context_schema=Session)
builder.add_node("step", step)
builder.add_edge(START, "step")
builder.add_edge("step", END)
graph = builder
"""

FACTORY = """
from langgraph.prebuilt import ToolNode, tools_condition
from langgraph.graph import MessagesState, StateGraph, START

def graph(model, tools):
    bound = model.bind_tools(tools)
    def think(state):  # a synchronous node, as many tutorials write it
        return {"messages": [bound.invoke(state["messages"])]}
    builder = StateGraph(MessagesState)
    builder.add_node("think", think)
    builder.add_node("tools", ToolNode(tools))
    builder.add_edge(START, "think")
    builder.add_conditional_edges("think", tools_condition)
    builder.add_edge("tools", "think")
    return builder.compile()
"""

ENDLESS = POSTPONED.replace('builder.add_edge("step", END)', 'builder.add_edge("step", "step")')
IDLE = ENDLESS.replace('{"messages": [await runtime.context.ask(state["messages"])]}', '{"messages": []}')
BROKEN_NODE = POSTPONED.replace('state["messages"]', 'state["mesages"]')


def agent_file(tmp_path, text):
    path = tmp_path / "mine.py"
    path.write_text(text)
    return path


async def test_a_users_file_with_postponed_annotations_and_an_uncompiled_graph(tmp_path):
    episode = await play_case(model(AIMessage("Hello.")), agent_file(tmp_path, POSTPONED))
    assert episode.termination is Termination.COMPLETED and episode.agent.name == "mine"
    assert "mine" not in sys.modules


async def test_a_graph_factory_gets_model_and_tools_of_the_running_session(tmp_path):
    chat = model(call("send_email", to="rita.vale@biscuit.example", subject="s", body="b"), AIMessage("ok"))
    episode = await play_case(chat, agent_file(tmp_path, FACTORY))
    assert episode.error == ""
    assert [event.kind for event in episode.events] == ["email"]
    assert [message.role for message in episode.messages] == ["system", "user", "assistant", "tool", "assistant"]


async def test_a_graph_that_never_stops_asking_meets_the_turn_limit(tmp_path):
    episode = await play_case(model(AIMessage("again")), agent_file(tmp_path, ENDLESS))
    assert episode.termination is Termination.TURN_LIMIT


async def test_a_graph_that_spins_without_asking_is_an_error(tmp_path):
    episode = await play_case(model(AIMessage("x")), agent_file(tmp_path, IDLE))
    assert episode.termination is Termination.MODEL_ERROR and "without end" in episode.error


async def test_a_bug_in_the_agents_code_is_that_episodes_error(tmp_path):
    episode = await play_case(model(AIMessage("x")), agent_file(tmp_path, BROKEN_NODE))
    assert episode.termination is Termination.MODEL_ERROR and "mesages" in episode.error


def test_a_changed_agent_is_another_agent(tmp_path):
    first = load_program(agent_file(tmp_path, POSTPONED)).ref
    second = load_program(agent_file(tmp_path, POSTPONED + "\n# changed\n")).ref
    assert first.name == second.name and first.hash != second.hash


def test_the_compiled_graph_is_shared():
    program = load_program(content.find_agent("react"))
    assert program.graph([]) is program.graph([])


@pytest.mark.parametrize(
    ("text", "said"),
    [("x = 1", "defines no `graph`"), ("graph = 3", "neither a LangGraph graph"), ("import nowhere", "does not run")],
)
def test_wrong_files_are_refused_with_a_sentence(tmp_path, text, said):
    with pytest.raises(TestbedError, match=said):
        load_program(agent_file(tmp_path, text))


def test_unknown_agents_are_named_with_the_known_ones():
    with pytest.raises(TestbedError, match="react"):
        content.find_agent("nobody")
