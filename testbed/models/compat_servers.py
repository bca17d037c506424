"""Which OpenAI-compatible server a ``compat/...`` model lives on: presets, or a base URL of the user's own."""

import os
from dataclasses import dataclass

from testbed.errors import TestbedError
from testbed.types import ModelSpec

BASE_URL_ENV = "COMPAT_BASE_URL"
KEY_ENV = "COMPAT_API_KEY"  # optional: for a server of the user's own that asks for one


@dataclass(frozen=True, slots=True)
class Preset:
    """A public or customary server: its base URL, and the environment variable of its key if it wants one."""

    base_url: str
    key_env: str | None = None


PRESETS: dict[str, Preset] = {
    "vllm": Preset("http://localhost:8000/v1"),
    "ollama": Preset("http://localhost:11434/v1"),
    "deepseek": Preset("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    "xai": Preset("https://api.x.ai/v1", "XAI_API_KEY"),
    "together": Preset("https://api.together.xyz/v1", "TOGETHER_API_KEY"),
    "openrouter": Preset("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
}


@dataclass(frozen=True, slots=True)
class Server:
    """Where a model's requests go.

    Attributes:
        model: The model's name as the server knows it.
        key_env: The variable that holds the key.
        key_required: Whether a call without that key is bound to fail.
    """

    base_url: str
    model: str
    key_env: str
    key_required: bool


def server_of(spec: ModelSpec) -> Server:
    """Resolve a ``compat`` model to its server.

    A base URL that the user gave (in the model's settings or as ``COMPAT_BASE_URL``) makes everything after
    ``compat/`` the model's name; without one, the first segment must be a preset.

    Raises:
        TestbedError: There is neither a base URL nor a preset of that name.
    """
    base_url = spec.base_url or os.environ.get(BASE_URL_ENV)
    if base_url:
        return Server(base_url, spec.name, spec.api_key_env or KEY_ENV, key_required=spec.api_key_env is not None)
    name, _, model = spec.name.partition("/")
    preset = PRESETS.get(name)
    if preset is None or not model:
        raise TestbedError(
            f"Model {spec.id!r} has no server: give --base-url or set {BASE_URL_ENV} (such as "
            f"http://localhost:8000/v1), or write compat/<server>/<model> "
            f"with one of the known servers: {', '.join(PRESETS)}."
        )
    key_env = spec.api_key_env or preset.key_env
    return Server(preset.base_url, model, key_env or KEY_ENV, key_required=key_env is not None)
