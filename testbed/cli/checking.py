"""Models as the command line names them, and what is checked of them before anything is spent."""

from collections.abc import Sequence
from typing import Protocol

from testbed.errors import TestbedError
from testbed.models.providers import (
    base_url_for,
    build_model,
    check_model,
    for_local,
    missing_keys,
    parse_model,
    pin,
)
from testbed.types import ModelSpec, NumberFormat


class ModelOptions(Protocol):
    """The options of the command line that are some models' business: ``compat`` ones' server, what local ones take."""

    @property
    def base_url(self) -> str | None: ...  # noqa: D102
    @property
    def dtype(self) -> NumberFormat | None: ...  # noqa: D102
    @property
    def trust_remote_code(self) -> bool: ...  # noqa: D102


def read_graders(names: Sequence[str], options: ModelOptions) -> list[ModelSpec]:
    """Read judges or monitors, with the options of the command line that are their business.

    Args:
        names: As users write them.
        options: Of the command line.

    Raises:
        TestbedError: A name, the URL or a local model's files cannot be used.
    """
    return [
        pin(
            parse_model(
                name,
                base_url=base_url_for(name, options.base_url),
                dtype=for_local(name, options.dtype),
                trust_remote_code=for_local(name, options.trust_remote_code or None),
            )
        )
        for name in names
    ]


def check_usable(specs: Sequence[ModelSpec]) -> None:
    """Refuse models or judges that cannot work; nobody is asked for that.

    Raises:
        TestbedError: A name or setting is wrong, or keys are missing: one sentence for every model that lacks one.
    """
    for spec in specs:
        check_model(spec)
    lacking = missing_keys(specs)
    if lacking:
        raise TestbedError("\n".join(lacking))
    for spec in specs:
        build_model(spec, connections=1, timeout=1.0)  # settings that a provider's library refuses show here
