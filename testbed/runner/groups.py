"""Errors out of task groups as themselves: a user's mistake must not look like a crash."""

from collections.abc import Iterator
from contextlib import contextmanager

from testbed.errors import TestbedError


@contextmanager
def unwrapped() -> Iterator[None]:
    """Raise the first telling error of a task group instead of the group: a TestbedError if there is one."""
    try:
        yield
    except BaseExceptionGroup as group:
        leaves = list(_leaves(group))
        raise next((leaf for leaf in leaves if isinstance(leaf, TestbedError)), leaves[0]) from group


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error
