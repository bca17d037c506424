"""Base URLs and keys that cannot work are found out before anything is sent, and never shown."""

import pytest

from testbed.errors import TestbedError
from testbed.models.keys import read_key
from testbed.models.providers import base_url_for, build_model, check_model, missing_keys, parse_model

URL = "http://localhost:8000/v1"


@pytest.mark.parametrize(
    "url",
    [
        "localhost:8000/v1",
        "ftp://localhost/v1",
        "//localhost/v1",
        "http://",
        "http:///v1",
        "https://:80/v1",
        "http://localhost:99999/v1",
        "http://localhost:0/v1",
        "http://localhost:port/v1",
        "http://[::1/v1",
        "http://[v1.x]/v1",
        "http://a..b/v1",
        "http://local host/v1",
        "http://localhost/v1\n",
        " http://localhost/v1",
        "http://localhost/v1?api-version=1",
        "http://localhost/v1#top",
    ],
)
def test_a_url_that_leads_nowhere_is_refused(monkeypatch, url):
    with pytest.raises(TestbedError, match="The base URL of compat/m "):
        check_model(parse_model("compat/m", base_url=url))
    monkeypatch.setenv("ANTHROPIC_BASE_URL", url)
    with pytest.raises(TestbedError, match="ANTHROPIC_BASE_URL "):
        check_model(parse_model("anthropic/c"))


@pytest.mark.parametrize(
    "url",
    [
        "http://me:secret-word@localhost/v1",
        "https://secret-word@localhost/v1",
        "me:secret-word@localhost",
        "http://me:secret-word@localhost:99999",
    ],
)
@pytest.mark.parametrize("variable", ["", "COMPAT_BASE_URL"])
def test_credentials_in_a_url_are_refused_and_not_shown(monkeypatch, url, variable):
    if variable:
        monkeypatch.setenv(variable, url)
    with pytest.raises(TestbedError, match="credentials") as caught:
        check_model(parse_model("compat/m", base_url=None if variable else url))
    assert "secret-word" not in str(caught.value)


@pytest.mark.parametrize("url", [URL, "https://models.example", "http://[::1]:8000/v1", "http://bücher.example/a@b"])
def test_a_usable_url_is_taken(url):
    spec = parse_model("compat/m", base_url=base_url_for("compat/m", url))
    check_model(spec)
    assert spec.base_url == url
    build_model(spec, connections=1, timeout=1.0)


@pytest.mark.parametrize("model", ["openai/gpt-5", "anthropic/c", "google/g", "control/aligned", "compatible/m"])
def test_only_compat_gets_the_option(model):
    assert base_url_for(model, URL) is None
    assert base_url_for(" compat/m", URL) == URL
    assert base_url_for("compat/m", None) is None
    with pytest.raises(TestbedError, match="--base-url"):
        base_url_for(model, "localhost")


@pytest.mark.parametrize("key", ["sk-sесret", "sk-a\x01b", " sk-a", "sk-a ", "sk-a\t", "sk-a\nb"])
@pytest.mark.parametrize(
    ("model", "variable"),
    [
        ("openai/gpt-5", "OPENAI_API_KEY"),
        ("google/g", "GEMINI_API_KEY"),
        ("compat/deepseek/m", "DEEPSEEK_API_KEY"),
        ("compat/vllm/m", "COMPAT_API_KEY"),
    ],
)
def test_a_key_that_no_header_takes_is_said_without_it(monkeypatch, model, variable, key):
    monkeypatch.setenv(variable, key)
    (sentence,) = missing_keys([parse_model(model)])
    assert model in sentence and variable in sentence
    assert "sk-" not in sentence and "\n" not in sentence


def test_the_line_end_behind_a_key_is_no_part_of_it(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-a\r\n")
    assert missing_keys([parse_model("openai/gpt-5")]) == []
    assert read_key(("OTHER_API_KEY", "OPENAI_API_KEY")) == "sk-a"
    monkeypatch.setenv("OPENAI_API_KEY", "\n")
    assert "needs a key" in missing_keys([parse_model("openai/gpt-5")])[0]
