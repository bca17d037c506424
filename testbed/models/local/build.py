"""What the table of providers calls: light, so that a plan can be checked without loading torch."""

from typing import TYPE_CHECKING, Any

from testbed.errors import TestbedError
from testbed.models.local.formats import default_device, default_format
from testbed.models.local.resolve import require_extra, resolve, verified_hash
from testbed.types import ModelSpec

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

SWITCHES = ("on", "off")
PREFILL = "prefill:"


def check(spec: ModelSpec) -> None:
    """Find what is wrong with a local model before anything is loaded.

    Raises:
        TestbedError: The extra is not installed, a file is missing, or the reasoning setting is unknown.
    """
    require_extra()
    reasoning = spec.reasoning
    if reasoning is not None and reasoning not in SWITCHES and not reasoning.startswith(PREFILL):
        raise TestbedError(
            f"Reasoning {reasoning!r} of {spec.id}: local models take on, off, or prefill:<first words>."
        )
    resolve(spec.name)


def pin(spec: ModelSpec) -> ModelSpec:
    """Fill in the hash of the weights, and the number format where none was chosen (torch knows the device).

    Raises:
        TestbedError: The adapter does not belong to the base, something was changed on disk, or the extra is not
            installed.
    """
    weights = verified_hash(resolve(spec.name))
    return spec.model_copy(update={"weights": weights, "dtype": spec.dtype or default_format(default_device())})


def build(spec: ModelSpec, connections: int, timeout: float) -> "BaseChatModel":
    """Build the chat model; the weights are loaded at its first call.

    Raises:
        TestbedError: Something is missing, or the weights are not those that the plan was made with.
    """
    require_extra()
    where = resolve(spec.name)
    found = verified_hash(where)
    if spec.weights not in (None, found):
        raise TestbedError(f"The weights of {spec.id} have changed since the plan was made: run the command again.")
    from testbed.models.local.chat import LocalChat

    return LocalChat(spec=spec, where=where, rows=connections)


def structured(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Ask for nothing: no grammar is enforced, and a judge's prompt says itself what JSON it wants."""
    return {}
