"""Works a plan off: a fixed number of workers for each provider, each with one episode at a time."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from testbed.models.errors import ModelUnavailable
from testbed.plan import Planned

Work = Callable[[Planned], Coroutine[Any, Any, None]]


class Pool:
    """Plays planned episodes concurrently; memory grows with the workers, not with the plan.

    Attributes:
        unavailable: Models that turned out to be unusable, with the reason; their remaining episodes are left.
    """

    def __init__(self, work: Work, connections: int, say: Callable[[str], None]) -> None:
        """Prepare.

        Args:
            work: Plays, stores and scores one episode.
            connections: Episodes (and so model calls) under way at once for each provider.
            say: Told once for each model that turns out to be unusable.
        """
        self._work, self._connections, self._say = work, connections, say
        self.unavailable: dict[str, str] = {}

    async def run(self, plan: Iterable[Planned]) -> None:
        """Work everything off; returns when the last episode has ended."""
        queues: dict[str, deque[Planned]] = defaultdict(deque)
        for planned in plan:
            queues[planned.model.provider].append(planned)
        async with asyncio.TaskGroup() as group:
            for queue in queues.values():
                for _ in range(min(self._connections, len(queue))):
                    group.create_task(self._worker(queue))

    async def _worker(self, queue: deque[Planned]) -> None:
        while queue:
            planned = queue.popleft()
            if planned.model.id in self.unavailable:
                continue
            try:
                # A task of its own, so that an episode's context variables end with it.
                await asyncio.create_task(self._work(planned))
            except ModelUnavailable as failure:
                if planned.model.id not in self.unavailable:
                    self.unavailable[planned.model.id] = str(failure)
                    self._say(f"{planned.model.id} cannot be used: {failure} Its remaining episodes are left out.")
