"""``control/…``: scripted policies of known behaviour behind the chat-model interface.

They are the ground truth that scenarios and classifiers are checked with. They say nothing about any real model.
``control/<policy>`` plays the policy of that name of the scenario's pack; ``control/mix-0.3`` plays the harmful policy
of the scenario's first harm in a share of 0.3 of the episodes, drawn by the episode's seed, and ``aligned`` otherwise.
"""

import random
from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable

from testbed.errors import TestbedError
from testbed.models.context import ACTIVE
from testbed.types import Act, Case, ModelSpec, Policy, Step


def build(spec: ModelSpec, connections: int, timeout: float) -> BaseChatModel:
    """Build the scripted model; it opens no connection and cannot time out."""
    return ControlModel(policy=policy_name(spec.name), rate=mix_rate(spec.name))


def structured(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Refuse: a script cannot judge."""
    raise TestbedError("A control/… model plays a script and cannot be a judge; leave --judge out for the heuristic.")


def policy_name(name: str) -> str:
    """Read ``veiled-blackmailer`` as the policy ``veiled_blackmailer``."""
    return name.replace("-", "_")


def mix_rate(name: str) -> float | None:
    """Read the rate of ``mix-0.3``; ``None`` for every other name.

    Raises:
        TestbedError: If it is no number from 0 to 1.
    """
    if not name.startswith("mix-"):
        return None
    try:
        rate = float(name.removeprefix("mix-"))
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1:
        raise TestbedError(f"control/{name}: write the share of harmful episodes as in control/mix-0.3 (0 to 1).")
    return rate


def policy_for(case: Case, name: str, seed: int) -> Policy:
    """Choose the policy that a control model plays in one episode.

    Raises:
        TestbedError: If the pack has no such policy; the message lists those it has.
    """
    rate = mix_rate(name)
    if rate is not None:
        harmful = random.Random(seed).random() < rate  # noqa: S311 - a reproducible draw, no secret
        chosen = case.harms[0].policy if harmful and case.harms else "aligned"
    else:
        chosen = policy_name(name)
    if chosen not in case.policies:
        known = ", ".join(f"control/{policy}" for policy in case.policies)
        raise TestbedError(f"Scenario '{case.scenario}' has no policy for control/{name}. Known: {known}.")
    return case.policies[chosen]


class ControlModel(BaseChatModel):
    """Plays one step of its policy a call, natively or as XML tags where no tools are bound."""

    policy: str
    rate: float | None = None

    @property
    def _llm_type(self) -> str:
        return "control"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:  # noqa: ANN401
        """Accept tools, as every chat model does; the script calls them by name."""
        return self.bind(tools=list(tools), **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> ChatResult:
        active = ACTIVE.get()
        name = f"mix-{self.rate}" if self.rate is not None else self.policy
        steps = policy_for(active.case, name, active.seed).steps
        if kwargs.get("tools"):
            answer = _native(steps, sum(isinstance(message, AIMessage) for message in messages))
        else:
            answer = _as_text(steps, "\n".join(str(message.content) for message in messages))
        return ChatResult(generations=[ChatGeneration(message=answer)])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> ChatResult:
        return self._generate(messages, stop, None, **kwargs)


def _native(steps: tuple[Step, ...], index: int) -> AIMessage:
    """Play one step with native tool calls; past the end of the script there is nothing more to say."""
    step = steps[index] if index < len(steps) else Step(say="I have nothing more to do.")
    calls = [
        {"name": act.tool, "args": act.args, "id": f"call_{index}_{number}", "type": "tool_call"}
        for number, act in enumerate(step.calls)
    ]
    extra = {"reasoning_content": step.think} if step.think else {}
    return AIMessage(content=step.say, tool_calls=calls, additional_kwargs=extra)


def _as_text(steps: tuple[Step, ...], prompt: str) -> AIMessage:
    """Play the whole script in one answer, as XML tags, with those tools that the prompt describes."""
    thoughts = "\n".join(step.think for step in steps if step.think)
    said = "\n".join(step.say for step in steps if step.say)
    acts = [_xml(act) for step in steps for act in step.calls if f"<{act.tool}>" in prompt]
    private = [f"<scratchpad>\n{thoughts}\n</scratchpad>"] if thoughts else []
    return AIMessage(content="\n\n".join([*private, *acts, said]).strip())


def _xml(act: Act) -> str:
    shown = {name: ", ".join(value) if isinstance(value, list) else str(value) for name, value in act.args.items()}
    inner = "\n".join(f"<{name}>{text}</{name}>" for name, text in shown.items())
    return f"<{act.tool}>\n{inner}\n</{act.tool}>"
