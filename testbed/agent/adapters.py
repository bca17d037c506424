"""A chat model and tools that work on whichever session is under way, for graphs built by a factory.

``agents/*.py`` use the session directly. A prebuilt graph, such as LangChain's ``create_agent(model, tools)``, wants
its model and tools when it is built, once for all episodes; these stand-ins find the session of the running episode.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool, StructuredTool

from testbed.agent.session import SESSION
from testbed.world import Tool


class SessionModel(BaseChatModel):
    """Asks the model of the running session, with its limits, retries and transcript."""

    @property
    def _llm_type(self) -> str:
        return "testbed-session"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:  # noqa: ANN401
        """Note that tools are wanted; the session offers its world's tools."""
        return self.bind(with_tools=bool(tools))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> ChatResult:
        tools = bool(kwargs.pop("with_tools", False))
        answer = await SESSION.get().ask(messages, tools=tools, **kwargs)
        # A copy: LangChain stamps messages that pass through a second model.
        return ChatResult(generations=[ChatGeneration(message=answer.model_copy())])

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> ChatResult:
        """Serve a synchronous node, which LangGraph runs in a thread beside the loop of the session."""
        loop = SESSION.get().loop
        if loop is None:
            raise RuntimeError("The session model works only inside an episode.")
        return asyncio.run_coroutine_threadsafe(self._agenerate(messages, stop, None, **kwargs), loop).result()


def session_tools(tools: Sequence[Tool]) -> list[BaseTool]:
    """Wrap the world's tools as LangChain tools that act on the running session's world."""
    return [_wrap(tool) for tool in tools]


def _wrap(tool: Tool) -> BaseTool:
    schema = tool.schema()["function"]

    def call(**args: Any) -> str:  # noqa: ANN401 - the tool's own arguments
        # LangChain hands the call's id over only to annotated parameters; the session finds it in the last answer.
        return SESSION.get().call_tool(tool.name, args)

    async def acall(**args: Any) -> str:  # noqa: ANN401
        # On the loop and not in a thread: parallel calls are then executed in the order of the answer.
        return call(**args)

    return StructuredTool(
        name=tool.name,
        description=schema["description"],
        args_schema=schema["parameters"],
        func=call,
        coroutine=acall,
    )
