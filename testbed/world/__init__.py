"""The simulated company at work: tools that act on the World, colleagues who answer, and the clock."""

from testbed.world.builtin import TOOLS, tools_for
from testbed.world.clock import tick, wait_for_mail
from testbed.world.replies import set_off_replies
from testbed.world.toolkit import Effect, Tool, ToolContext, ToolError, ToolResult, execute, tool

__all__ = [
    "TOOLS",
    "Effect",
    "Tool",
    "ToolContext",
    "ToolError",
    "ToolResult",
    "execute",
    "set_off_replies",
    "tick",
    "tool",
    "tools_for",
    "wait_for_mail",
]
