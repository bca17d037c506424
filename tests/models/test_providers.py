"""Model names, keys and servers: everything that is found out before a provider's library is loaded."""

import json
import subprocess
import sys

import pytest

from testbed.errors import TestbedError
from testbed.models.compat_servers import PRESETS, server_of
from testbed.models.providers import PROVIDERS, check_model, missing_keys, parse_model


def test_a_name_may_hold_slashes():
    spec = parse_model("compat/vllm/Qwen/Qwen3-8B", temperature=0.5)
    assert (spec.provider, spec.name, spec.temperature) == ("compat", "vllm/Qwen/Qwen3-8B", 0.5)


@pytest.mark.parametrize("text", ["mistral/large", "gpt-5", "", "OpenAI/gpt-5"])
def test_an_unknown_provider_is_answered_with_the_known_ones(text):
    with pytest.raises(TestbedError) as caught:
        parse_model(text)
    assert all(name in str(caught.value) for name in PROVIDERS)


@pytest.mark.parametrize("text", ["openai/", "openai", "anthropic/  "])
def test_a_name_is_required(text):
    with pytest.raises(TestbedError, match="lacks a name"):
        parse_model(text)


def test_missing_keys_are_said_once_for_each_model():
    names = ["openai/gpt-5", "anthropic/claude-x", "google/gemini-x", "openai/gpt-5", "openai/gpt-4.1"]
    sentences = missing_keys(parse_model(name) for name in names)
    assert len(sentences) == 4
    assert sum("OPENAI_API_KEY" in sentence for sentence in sentences) == 2
    assert any("GOOGLE_API_KEY or GEMINI_API_KEY" in sentence for sentence in sentences)


@pytest.mark.parametrize("variable", ["GOOGLE_API_KEY", "GEMINI_API_KEY"])
def test_either_google_key_will_do(monkeypatch, variable):
    monkeypatch.setenv(variable, "x")
    assert missing_keys([parse_model("google/gemini-x")]) == []


def test_an_empty_key_is_a_missing_key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "")
    assert len(missing_keys([parse_model("openai/gpt-5")])) == 1


def test_keyless_models_need_no_key():
    assert missing_keys(parse_model(name) for name in ("control/aligned", "compat/vllm/m", "compat/ollama/m")) == []


def test_a_preset_or_a_named_variable_asks_for_its_key(monkeypatch):
    sentences = missing_keys([parse_model("compat/deepseek/chat"), parse_model("openai/gpt-5", api_key_env="MY_KEY")])
    assert "DEEPSEEK_API_KEY" in sentences[0]
    assert "MY_KEY" in sentences[1]
    monkeypatch.setenv("MY_KEY", "secret-value")
    remaining = missing_keys([parse_model("compat/deepseek/chat"), parse_model("openai/gpt-5", api_key_env="MY_KEY")])
    assert len(remaining) == 1
    assert "secret-value" not in " ".join(remaining)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_takes_the_first_segment_as_the_server(name):
    server = server_of(parse_model(f"compat/{name}/maker/model-1"))
    assert (server.base_url, server.model) == (PRESETS[name].base_url, "maker/model-1")


def test_a_base_url_makes_all_of_it_the_models_name(monkeypatch):
    monkeypatch.setenv("COMPAT_BASE_URL", "http://localhost:9/v1")
    assert server_of(parse_model("compat/vllm/m")).model == "vllm/m"
    explicit = server_of(parse_model("compat/vllm/m", base_url="http://localhost:7/v1"))
    assert (explicit.base_url, explicit.model) == ("http://localhost:7/v1", "vllm/m")
    # The preset's key is not that server's business.
    assert missing_keys([parse_model("compat/deepseek/chat")]) == []


@pytest.mark.parametrize("text", ["compat/my-model", "compat/nowhere/my-model", "compat/vllm"])
def test_no_server_is_found_out_before_anything_is_spent(text):
    with pytest.raises(TestbedError) as caught:
        check_model(parse_model(text))
    assert "COMPAT_BASE_URL" in str(caught.value)
    assert "openrouter" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "reasoning"), [("openai/gpt-5", "4000"), ("compat/vllm/m", "4000"), ("anthropic/c", "very")]
)
def test_a_reasoning_setting_that_the_provider_does_not_take(text, reasoning):
    with pytest.raises(TestbedError, match=text.partition("/")[2]):
        check_model(parse_model(text, reasoning=reasoning))


@pytest.mark.parametrize(("text", "reasoning"), [("openai/gpt-5", "low"), ("anthropic/c", "4000"), ("google/g", "0")])
def test_a_reasoning_setting_that_the_provider_takes(text, reasoning):
    check_model(parse_model(text, reasoning=reasoning))


def test_the_table_loads_no_provider_library():
    heavy = ["langchain_core", "openai", "anthropic", "google.genai", "aiohttp", "httpx2", "langgraph"]
    code = (
        "import json, sys; import testbed.models.providers, testbed.models.errors; "
        f"print(json.dumps([name for name in {heavy!r} if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
