"""What is checked of models before anything is spent."""

from collections.abc import Sequence

from testbed.errors import TestbedError
from testbed.models.providers import build_model, check_model, missing_keys
from testbed.types import ModelSpec


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
