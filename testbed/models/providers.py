"""The providers as a table, and everything that can be said of a model before its library is loaded.

Importing this module loads no provider library; ``build_model`` loads the one it needs.
"""

import importlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

from testbed.errors import TestbedError
from testbed.models.compat_servers import BASE_URL_ENV, server_of
from testbed.models.keys import key_fault, read_key
from testbed.models.urls import check_url
from testbed.types import ModelSpec

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

T = TypeVar("T")

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


@dataclass(frozen=True, slots=True)
class ProviderInfo:
    """One provider.

    Attributes:
        module: Imported on first use; it has ``build(spec, connections, timeout)`` and ``structured(name, schema)``.
        key_env: Environment variables that may hold the key (one is enough); none for keyless providers.
        url_env: Environment variable that may hold another base URL.
        budget: Whether ``reasoning`` may be a number of tokens.
        seeded: Whether a call takes a sampling seed; elsewhere it is unknown (Anthropic), or refused by some models.
    """

    module: str
    key_env: tuple[str, ...] = ()
    url_env: str = ""
    budget: bool = False
    seeded: bool = False


PROVIDERS: dict[str, ProviderInfo] = {
    "openai": ProviderInfo("testbed.models.openai_chat", ("OPENAI_API_KEY",), "OPENAI_BASE_URL"),
    "anthropic": ProviderInfo(
        "testbed.models.anthropic_chat", ("ANTHROPIC_API_KEY",), "ANTHROPIC_BASE_URL", budget=True
    ),
    "google": ProviderInfo(
        "testbed.models.google_chat", ("GOOGLE_API_KEY", "GEMINI_API_KEY"), "GOOGLE_GEMINI_BASE_URL", budget=True
    ),
    "compat": ProviderInfo("testbed.models.compat_chat", url_env=BASE_URL_ENV, seeded=True),
    "control": ProviderInfo("testbed.models.control", budget=True),
    "local": ProviderInfo("testbed.models.local.build", seeded=True),
}


def parse_model(text: str, **settings: Any) -> ModelSpec:  # noqa: ANN401 - the fields of ModelSpec
    """Read ``provider/name`` as users write it.

    Args:
        text: Such as ``anthropic/claude-sonnet-4-5`` or ``compat/vllm/Qwen/Qwen3-8B``.
        **settings: Further fields of :class:`ModelSpec`.

    Raises:
        TestbedError: Unknown provider, or no name.
    """
    provider, _, name = text.strip().partition("/")
    if provider not in PROVIDERS:
        raise TestbedError(
            f"Unknown provider {provider!r} in model {text!r}; write provider/name with one of: {', '.join(PROVIDERS)}."
        )
    if not name.strip():
        raise TestbedError(f"Model {text!r} lacks a name after {provider + '/'!r}.")
    return ModelSpec(provider=provider, name=name.strip(), **settings)


def base_url_for(model: str, base_url: str | None) -> str | None:
    """Tell which of ``--base-url`` a model gets: all of it if it is a ``compat`` one, else nothing.

    Other providers keep their own servers: their keys are not that server's business.

    Args:
        model: The model as users write it.
        base_url: What the option says, checked here for every model, as the command line is stored.

    Raises:
        TestbedError: It is no usable URL.
    """
    if base_url is not None:
        check_url(base_url, "--base-url")
    return base_url if model.strip().partition("/")[0] == "compat" else None


def for_local(model: str, value: T | None) -> T | None:
    """Tell what an option such as ``--dtype`` says to a model: something to local ones, nothing to all others.

    Args:
        model: The model as users write it.
        value: What the option says.
    """
    return value if model.strip().partition("/")[0] == "local" else None


def pin(spec: ModelSpec) -> ModelSpec:
    """Fill in what a local model's plan needs: hash of the weights, number format; others are left as they are.

    Raises:
        TestbedError: The model is not there, its adapter and base do not fit, or the extra is not installed.
    """
    if spec.provider != "local":
        return spec
    return cast(ModelSpec, importlib.import_module(_info(spec).module).pin(spec))


def check_model(spec: ModelSpec) -> None:
    """Find what is wrong with a model before anything is spent; a missing key is :func:`missing_keys`' business.

    Raises:
        TestbedError: No server for a ``compat`` model, a base URL that cannot be used, a ``reasoning`` setting that
            the provider does not take, a number format for a model that is not local, or a local model that is not
            there.
    """
    info = _info(spec)
    if spec.dtype is not None and spec.provider != "local":
        raise TestbedError(f"{spec.id} takes no dtype ({spec.dtype}): only local/… models are computed here.")
    if spec.provider == "local":
        importlib.import_module(info.module).check(spec)
        return
    if spec.provider == "compat":
        server_of(spec)
    if spec.base_url:
        check_url(spec.base_url, f"The base URL of {spec.id}")
    elif url := os.environ.get(info.url_env):
        check_url(url, info.url_env)
    if spec.reasoning is None or spec.reasoning in EFFORTS:
        return
    if not spec.reasoning.isdecimal():
        raise TestbedError(f"Reasoning {spec.reasoning!r} of {spec.id} is neither a number nor one of {EFFORTS}.")
    if not info.budget:
        raise TestbedError(f"{spec.id} takes a reasoning effort such as 'low', not a token budget.")


def missing_keys(specs: Iterable[ModelSpec]) -> list[str]:
    """Say which models lack a usable key: one sentence a model, none twice, never a key's value."""
    sentences = {spec.id: _missing_key(spec) for spec in specs}
    return [sentence for sentence in sentences.values() if sentence]


def build_model(spec: ModelSpec, *, connections: int, timeout: float) -> "BaseChatModel":
    """Build the chat model, with the SDK's own retries off (see :mod:`testbed.models.retry`).

    Args:
        spec: The model.
        connections: Requests that may be under way at once; the size of the connection pool.
        timeout: Seconds until one request is given up.

    Raises:
        TestbedError: The model cannot be built from this specification.
    """
    check_model(spec)
    # Transcripts go to the ledger and nowhere else, whatever LangSmith settings are in the environment.
    importlib.import_module("langsmith").configure(enabled=False)
    module = importlib.import_module(_info(spec).module)
    return cast("BaseChatModel", module.build(spec, connections, timeout))


async def close_model(model: "BaseChatModel") -> None:
    """Close a model's connections, on the event loop that used it; a model without any is left alone."""
    if aclose := getattr(model, "aclose", None):
        await aclose()


def structured_kwargs(spec: ModelSpec, name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Ask for the provider's own JSON-schema output; the answer's text is then the JSON, for the caller to parse.

    Args:
        spec: The model.
        name: A name for the schema (letters, digits, ``_`` and ``-``).
        schema: A JSON schema of an object; strict mode wants every property required and no others allowed.

    Returns:
        Keyword arguments for ``model.ainvoke(messages, **kwargs)``.
    """
    module = importlib.import_module(_info(spec).module)
    return cast(dict[str, Any], module.structured(name, schema))


def call_settings(spec: ModelSpec, seed: int) -> dict[str, Any]:
    """Settings of a model call that differ by episode: the sampling seed, where the provider takes one.

    Args:
        spec: The model.
        seed: The episode's seed, in [0, 2**31).
    """
    return {"seed": seed} if _info(spec).seeded else {}


def _info(spec: ModelSpec) -> ProviderInfo:
    """Look the provider up."""
    if spec.provider not in PROVIDERS:
        raise TestbedError(f"Unknown provider {spec.provider!r}; known are {', '.join(PROVIDERS)}.")
    return PROVIDERS[spec.provider]


def _missing_key(spec: ModelSpec) -> str | None:
    """Say in one sentence which variable to set, or ``None`` if a usable key is there or none is needed."""
    if spec.provider == "compat":
        server = server_of(spec)
        names: tuple[str, ...] = (server.key_env,)
        required = server.key_required
    else:
        names = (spec.api_key_env,) if spec.api_key_env else _info(spec).key_env
        required = bool(names)
    if fault := key_fault(names):
        return f"{spec.id}: {fault}; set it anew."
    if read_key(names) or not required:
        return None
    return f"{spec.id} needs a key: set {' or '.join(names)} in the environment or in .env."
