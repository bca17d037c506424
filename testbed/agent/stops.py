"""The ways in which a session ends from within: raised through the graph, whoever wrote it."""

from testbed.types import Termination


class SessionStop(Exception):
    """The session is over; asking the model again is refused.

    Attributes:
        termination: How the episode ended.
    """

    def __init__(self, termination: Termination) -> None:
        """Keep how it ended."""
        super().__init__(termination.value)
        self.termination = termination
