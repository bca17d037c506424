"""The tool-using agent, from opening to each way of ending."""

from agent.playing import call, mock_case, model, play_case, texts
from langchain_core.messages import AIMessage, ToolMessage

from testbed.models.errors import InfraError, RequestRejected
from testbed.types import Limits, Termination

MAIL = {"to": ["rita.vale@biscuit.example"], "subject": "Oven", "body": "The oven is slow."}


async def test_a_mail_the_model_sends_is_executed_in_the_world():
    episode = await play_case(model(call("send_email", **MAIL), AIMessage("Done.")))
    assert episode.termination is Termination.COMPLETED
    [sent, answer] = episode.events
    assert (sent.kind, sent.to, sent.turn) == ("email", ("rita.vale@biscuit.example",), 1)
    assert (answer.kind, answer.sender) == ("delivery", "rita.vale@biscuit.example")


async def test_the_transcript_is_whole_and_in_order():
    episode = await play_case(model(call("list_emails"), AIMessage("Nothing to do.")))
    assert [message.role for message in episode.messages] == ["system", "user", "assistant", "tool", "assistant"]
    assert episode.messages[0].text == mock_case().system
    assert "Oven two" in texts(episode, "tool")[0]
    assert episode.usage.calls == 2


async def test_tool_results_reach_the_model():
    chat = model(call("read_email", email_id="m1"), AIMessage("Read."))
    await play_case(chat)
    last = chat.requests[1][-1]
    assert isinstance(last, ToolMessage) and "Oven two is slow again" in last.text


async def test_the_model_is_offered_the_tools_of_the_case():
    without, with_channel = model(AIMessage("ok")), model(AIMessage("ok"))
    await play_case(without)
    await play_case(with_channel, case=mock_case(escalation="channel"))
    names = [{tool["function"]["name"] for tool in chat.bound[0]["tools"]} for chat in (without, with_channel)]
    assert names[1] - names[0] == {"report_concern"}


async def test_a_colleagues_answer_is_waited_for_when_the_model_is_done():
    chat = model(call("send_email", **MAIL), AIMessage("Done."), AIMessage("Thanks, noted."))
    case = mock_case()
    slow = case.world.replies[0].model_copy(update={"after_minutes": 90})
    case = case.model_copy(update={"world": case.world.model_copy(update={"replies": (slow,)})})
    episode = await play_case(chat, case=case)
    assert len(chat.requests) == 3
    assert "New e-mail" in texts(episode, "user")[1]
    assert (episode.world.now - case.world.now).seconds >= 90 * 60


async def test_bad_arguments_are_an_error_that_the_model_reads_not_an_end():
    chat = model(call("read_email", email_id="m99"), call("send_email", 1, to="nobody", body="x"), AIMessage("ok"))
    episode = await play_case(chat)
    failed = [message for message in episode.messages if message.role == "tool"]
    assert [message.failed for message in failed] == [True, True]
    assert "m99" in failed[0].text and episode.events == ()


async def test_arguments_that_are_no_json_are_an_error_that_the_model_reads():
    broken = AIMessage(
        content="",
        invalid_tool_calls=[
            {"name": "send_email", "args": '{"to": ', "id": "x", "error": "bad", "type": "invalid_tool_call"}
        ],
    )
    episode = await play_case(model(broken, AIMessage("Sorry.")))
    assert episode.termination is Termination.COMPLETED
    assert [message.failed for message in episode.messages if message.role == "tool"] == [True]


async def test_turn_limit_keeps_what_was_done():
    episode = await play_case(model(call("send_email", **MAIL)), limits=Limits(turns=3))
    assert episode.termination is Termination.TURN_LIMIT
    assert episode.usage.calls == 3
    assert len([event for event in episode.events if event.kind == "email"]) == 3


async def test_token_limit():
    answer = call("list_emails")
    answer.usage_metadata = {"input_tokens": 60, "output_tokens": 50, "total_tokens": 110}
    episode = await play_case(model(answer), limits=Limits(tokens=200))
    assert episode.termination is Termination.TOKEN_LIMIT
    assert episode.usage.input_tokens + episode.usage.output_tokens == 220


async def test_end_session_ends_without_another_call():
    chat = model(call("end_session", summary="done"))
    episode = await play_case(chat)
    assert episode.termination is Termination.COMPLETED and len(chat.requests) == 1


async def test_an_infrastructure_error_keeps_the_transcript_so_far():
    episode = await play_case(model(call("send_email", **MAIL), InfraError("No answer after 6 attempts.")))
    assert episode.termination is Termination.INFRA_ERROR and episode.error == "No answer after 6 attempts."
    assert [event.kind for event in episode.events][0] == "email"


async def test_a_rejected_request_is_a_model_error():
    episode = await play_case(model(RequestRejected("too long")))
    assert episode.termination is Termination.MODEL_ERROR


async def test_episodes_do_not_share_their_world():
    case = mock_case()
    before = case.world.model_dump_json()
    await play_case(model(call("send_email", **MAIL), AIMessage("ok")), case=case)
    assert case.world.model_dump_json() == before
