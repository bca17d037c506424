"""Models as the command line names them, and what is checked of them before anything is spent."""

from collections.abc import Sequence

from testbed.errors import TestbedError
from testbed.models.providers import (
    base_url_for,
    build_model,
    check_model,
    dtype_for,
    missing_keys,
    parse_model,
    pin,
    trust_for,
)
from testbed.types import ModelSpec, NumberFormat


def read_graders(
    names: Sequence[str], *, base_url: str | None, dtype: NumberFormat | None, trust_remote_code: bool
) -> list[ModelSpec]:
    """Read judges or monitors, with the options of the command line that are their business.

    Args:
        names: As users write them.
        base_url: Server of the ``compat`` ones.
        dtype: Number format of the local ones.
        trust_remote_code: Whether local ones may run code that comes with them.

    Raises:
        TestbedError: A name, the URL or a local model's files cannot be used.
    """
    return [
        pin(
            parse_model(
                name,
                base_url=base_url_for(name, base_url),
                dtype=dtype_for(name, dtype),
                trust_remote_code=trust_for(name, trust_remote_code),
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
