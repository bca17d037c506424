"""Graphs with a tool node of their own: parallel calls, their ids, and one tick of the clock a turn."""

import threading
from datetime import timedelta

import pytest
from agent.playing import mock_case, model, play_case, texts
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from testbed.agent import session as session_module

PREBUILT = """
from langgraph.prebuilt import create_react_agent

def graph(model, tools):
    return create_react_agent(model, tools)
"""

NODE = """
from langgraph.prebuilt import ToolNode, tools_condition
from langgraph.graph import MessagesState, StateGraph, START

def graph(model, tools):
    bound = model.bind_tools(tools)
    async def think(state):
        return {{"messages": [await bound.ainvoke(state["messages"])]}}
    {act}
    builder = StateGraph(MessagesState)
    builder.add_node("think", think)
    builder.add_node("tools", act)
    builder.add_edge(START, "think")
    builder.add_conditional_edges("think", tools_condition)
    builder.add_edge("tools", "think")
    return builder.compile()
"""
ASYNC_NODE = NODE.format(act="act = ToolNode(tools)")
# A synchronous node runs in a thread, and its tools in further threads.
THREADS = NODE.format(act="act = lambda state, config: ToolNode(tools).invoke(state, config)")
# A graph that lets only the first call through, and answers the others itself.
FIRST_ONLY = NODE.format(
    act="""
    from langchain_core.messages import ToolMessage
    by_name = {tool.name: tool for tool in tools}
    async def act(state):
        first, *others = state["messages"][-1].tool_calls
        answer = await by_name[first["name"]].ainvoke(first)
        return {"messages": [answer, *(ToolMessage("Not now.", tool_call_id=call["id"]) for call in others)]}
    """
)
# A graph that makes up its calls: the model's answer has none.
MADE_UP = """
from langgraph.graph import MessagesState, StateGraph, START

def graph(model, tools):
    by_name = {tool.name: tool for tool in tools}
    async def think(state):
        answer = await model.ainvoke(state["messages"])
        for _ in range(3):
            await by_name["list_emails"].ainvoke({})
        return {"messages": [answer]}
    builder = StateGraph(MessagesState)
    builder.add_node("think", think)
    builder.add_edge(START, "think")
    return builder.compile()
"""


def agent_file(tmp_path, text):
    path = tmp_path / "factory.py"
    path.write_text(text)
    return path


def mail(subject):
    return ("send_email", {"to": ["rita.vale@biscuit.example"], "subject": subject, "body": "The oven is slow."})


def calls(*wanted):
    return AIMessage(
        content="",
        tool_calls=[
            {"name": name, "args": args, "id": f"id{number}", "type": "tool_call"}
            for number, (name, args) in enumerate(wanted)
        ],
    )


def case_with_an_answer_after(turns):
    """The mock case, in which a mail to Rita is answered after so many turns."""
    case = mock_case()
    reply = case.world.replies[0].model_copy(update={"after_minutes": turns * case.world.minutes_per_turn})
    return case.model_copy(update={"world": case.world.model_copy(update={"replies": (reply,)})})


async def play(tmp_path, graph, chat, turns=1):
    case = case_with_an_answer_after(turns)
    episode = await play_case(chat, agent_file(tmp_path, graph), case=case)
    assert episode.error == ""
    return episode, (episode.world.now - case.world.now) / timedelta(minutes=case.world.minutes_per_turn)


GRAPHS = pytest.mark.parametrize("graph", [PREBUILT, ASYNC_NODE, THREADS], ids=["prebuilt", "async", "threads"])


@GRAPHS
@pytest.mark.filterwarnings("ignore:create_react_agent")
async def test_parallel_calls_are_one_turn_and_keep_their_ids(tmp_path, graph):
    wanted = [mail("One"), ("read_email", {"email_id": "m1"}), mail("Two"), ("list_emails", {}), mail("One")]
    chat = model(calls(*wanted), AIMessage("Done."))
    episode, ticks = await play(tmp_path, graph, chat)
    assert ticks == 1
    sent = [event for event in episode.events if event.kind == "email"]
    assert sorted(event.subject for event in sent) == ["One", "One", "Two"]
    answers = {message.tool_call_id: message.text for message in episode.messages if message.role == "tool"}
    assert sorted(answers) == [f"id{number}" for number in range(5)]
    shown = {message.tool_call_id: message.text for message in chat.requests[1] if isinstance(message, ToolMessage)}
    assert answers["id1"] == shown["id1"] and "Oven two is slow again" in shown["id1"]
    assert sorted(answers.values()) == sorted(shown.values())
    assert sum("New e-mail" in text for text in shown.values()) == 1


@pytest.mark.parametrize("graph", [PREBUILT, ASYNC_NODE], ids=["prebuilt", "async"])
@pytest.mark.filterwarnings("ignore:create_react_agent")
async def test_parallel_calls_are_executed_in_the_order_of_the_answer(tmp_path, graph):
    subjects = [f"Number {number}" for number in range(12)]
    episode, _ = await play(tmp_path, graph, model(calls(*map(mail, subjects)), AIMessage("Done.")))
    assert [event.subject for event in episode.events if event.kind == "email"] == subjects
    assert "New e-mail" in texts(episode, "tool")[-1]


async def test_parallel_threads_do_not_meet_in_the_world(tmp_path, monkeypatch):
    inside, met = threading.Semaphore(1), []
    execute = session_module.execute
    started = threading.Event()

    def watched(*args):
        if not inside.acquire(blocking=False):
            met.append(args)
            started.set()
            return execute(*args)
        started.wait(0.05)  # gives the other threads room to come in, if they can
        result = execute(*args)
        inside.release()
        return result

    monkeypatch.setattr(session_module, "execute", watched)
    chat = model(calls(*[mail(f"Number {number}") for number in range(6)]), AIMessage("Done."))
    episode, ticks = await play(tmp_path, THREADS, chat)
    assert met == [] and ticks == 1
    assert [event.index for event in episode.events] == list(range(len(episode.events)))


async def test_a_turn_whose_calls_were_left_out_passes_before_the_next_ask(tmp_path):
    chat = model(calls(mail("One"), mail("Two")), AIMessage("Done."))
    episode, ticks = await play(tmp_path, FIRST_ONLY, chat)
    assert ticks == 1
    assert [event.subject for event in episode.events if event.kind == "email"] == ["One"]
    last = chat.requests[1][-1]
    assert isinstance(last, HumanMessage) and "New e-mail" in last.text
    assert last.text in texts(episode, "user")


async def test_each_turn_ticks_once(tmp_path):
    chat = model(*[calls(mail("One"), ("list_emails", {})) for _ in range(3)], AIMessage("Done."))
    episode, ticks = await play(tmp_path, ASYNC_NODE, chat, turns=2)
    assert ticks == 3
    ids = [message.tool_call_id for message in episode.messages if message.role == "tool"]
    assert ids == ["id0", "id1"] * 3
    assert ["New e-mail" in text for text in texts(episode, "tool")] == [False, False, False, True, False, False]


async def test_a_call_that_is_broken_or_names_no_tool_holds_up_no_clock(tmp_path):
    chat = model(calls(mail("One"), ("no_such_tool", {})), AIMessage("Done."))
    episode, ticks = await play(tmp_path, ASYNC_NODE, chat)
    assert ticks == 1 and "New e-mail" in texts(episode, "tool")[0]


async def test_calls_that_the_graph_makes_up_are_one_turn_with_ids_of_their_own(tmp_path):
    episode, ticks = await play(tmp_path, MADE_UP, model(AIMessage("Hm.")))
    assert ticks == 1
    assert len({message.tool_call_id for message in episode.messages if message.role == "tool"}) == 3
