"""What an agent file builds on: the session it runs in."""

from testbed.agent.program import Program, load_program
from testbed.agent.session import Session
from testbed.agent.stops import SessionStop

__all__ = ["Program", "Session", "SessionStop", "load_program"]
