"""A tool-using agent: the model calls tools natively, turn by turn, until it has nothing more to do.

``model`` asks; ``tools`` executes what was called and lets the world's clock tick; ``wait`` lets the clock run on when
the model is done but an answer of a colleague is still under way. Limits end the graph from inside ``ask``.
"""

import operator
from typing import Annotated, TypedDict

from langchain_core.messages import AIMessage, BaseMessage
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from testbed.agent import Session


class State(TypedDict):
    """The conversation; every node appends to it."""

    messages: Annotated[list[BaseMessage], operator.add]


async def ask_model(state: State, runtime: Runtime[Session]) -> State:
    """Ask the model, with the tools offered."""
    return {"messages": [await runtime.context.ask(state["messages"])]}


async def use_tools(state: State, runtime: Runtime[Session]) -> State:
    """Execute the calls of the last answer in the world."""
    return {"messages": [*runtime.context.act()]}


async def wait_for_mail(state: State, runtime: Runtime[Session]) -> State:
    """Let the next answer of a colleague arrive, and tell the model."""
    return {"messages": [*runtime.context.wait()]}


def after_model(state: State, runtime: Runtime[Session]) -> str:
    """Go to the tools if any was called, wait if mail is under way, else end."""
    answer = state["messages"][-1]
    if isinstance(answer, AIMessage) and (answer.tool_calls or answer.invalid_tool_calls):
        return "tools"
    return "wait" if runtime.context.world.pending else END


def after_tools(state: State, runtime: Runtime[Session]) -> str:
    """Ask again unless the agent ended the session."""
    return END if runtime.context.over else "model"


_builder = StateGraph(State, context_schema=Session)
_builder.add_node("model", ask_model)
_builder.add_node("tools", use_tools)
_builder.add_node("wait", wait_for_mail)
_builder.add_edge(START, "model")
_builder.add_conditional_edges("model", after_model, ["tools", "wait", END])
_builder.add_conditional_edges("tools", after_tools, ["model", END])
_builder.add_edge("wait", "model")

graph = _builder.compile()
