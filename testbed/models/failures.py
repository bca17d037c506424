"""What kind of failure an exception of any provider's library is, without loading any of these libraries."""

import email.utils
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from testbed.models.context_overflow import is_context_overflow

LONGEST_TEXT = 300  # characters of the provider's own words


class Kind(Enum):
    """What can be done about a failure."""

    TRANSIENT = "transient"  # try again
    REJECTED = "rejected"  # this request never succeeds
    CONTEXT_FULL = "context full"  # nor does this one: it is longer than the model's context
    UNAVAILABLE = "unavailable"  # no request to this model succeeds
    BUG = "bug"  # not the provider's: let it fly


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure as we understand it.

    Attributes:
        text: What happened, safe to show.
        retry_after: Seconds that the provider asks to wait, if it says so.
    """

    kind: Kind
    text: str
    retry_after: float | None = None


# Errors without a status, by top-level package and class (anywhere in the inheritance), that a new attempt may mend.
_TRANSIENT_TYPES = frozenset(
    {
        ("openai", "APIConnectionError"),
        ("openai", "APIResponseValidationError"),
        ("anthropic", "APIConnectionError"),
        ("anthropic", "APIResponseValidationError"),
        ("google", "UnknownApiResponseError"),
        ("aiohttp", "ClientError"),
        ("httpx", "TransportError"),
        ("httpx2", "TransportError"),
        ("json", "JSONDecodeError"),
        ("testbed", "UnreadableBody"),
        ("builtins", "TimeoutError"),
        ("builtins", "ConnectionError"),
    }
)
_TRANSIENT_STATUS = frozenset({408, 409, 425, 429})
_UNAVAILABLE_STATUS = frozenset({401, 402, 403, 404})
# Said with status 403, yet true of this request alone: a router's moderation.
_REQUEST_WORDS = ("moderation", "flagged", "content policy", "content_policy")
# Said with status 400 or 429, yet true of every request: OpenAI, Anthropic, Google.
_UNAVAILABLE_WORDS = ("insufficient_quota", "credit balance is too low", "API_KEY_INVALID", "API key not valid")
_KEY_LIKE = re.compile(r"\b(?:sk|pk|xai|gsk|hf|tgp)[-_][\w\-*.]{6,}|AIza[\w\-]{8,}|(?i:bearer\s+|key=)[^\s\"',]{6,}")


def classify(error: BaseException) -> Failure:
    """Classify an exception by itself or, where it only wraps another, by the first telling one of its causes."""
    for link in _causes(error):
        status = _status(link)
        if status is not None:
            return _by_status(status, link)
        if _names(link) & _TRANSIENT_TYPES:
            return Failure(Kind.TRANSIENT, shown(f"{type(link).__name__}: {link}"))
    return Failure(Kind.BUG, shown(str(error)))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the exception and what it was raised from, outermost first."""
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__


def _names(error: BaseException) -> set[tuple[str, str]]:
    """Name the classes that an exception inherits from, as (top-level package, class)."""
    return {(cls.__module__.partition(".")[0], cls.__name__) for cls in type(error).__mro__}


def _status(error: BaseException) -> int | None:
    """Read the HTTP status: ``status_code`` of OpenAI and Anthropic, ``code`` of Google, ``status`` of aiohttp."""
    for name in ("status_code", "code", "status"):
        value = getattr(error, name, None)
        if isinstance(value, int) and 200 <= value < 600:
            return value
    return None


def _by_status(status: int, error: BaseException) -> Failure:
    words = _provider_words(error)
    text = shown(f"HTTP {status}: {words}")
    if is_context_overflow(status, _codes(error), words):
        return Failure(Kind.CONTEXT_FULL, text)
    details = f"{words} {getattr(error, 'body', '')} {getattr(error, 'details', '')} {getattr(error, 'code', '')}"
    if status == 403 and any(word in details.casefold() for word in _REQUEST_WORDS):
        return Failure(Kind.REJECTED, text)
    if status in _UNAVAILABLE_STATUS or any(word in details for word in _UNAVAILABLE_WORDS):
        return Failure(Kind.UNAVAILABLE, text)
    if status in _TRANSIENT_STATUS or status >= 500 or status < 400:
        return Failure(Kind.TRANSIENT, text, _retry_after(error))
    return Failure(Kind.REJECTED, text)


def _provider_words(error: BaseException) -> str:
    """Find the provider's sentence in the error's body, or else the exception's own."""
    return str(_said(error).get("message") or getattr(error, "message", None) or error)


def _codes(error: BaseException) -> list[object]:
    """Find the provider's code and type of the error, in the body or on the exception."""
    said = _said(error)
    return [said.get("code"), said.get("type"), getattr(error, "code", None)]


def _said(error: BaseException) -> Mapping[str, Any]:
    """Find the error in the body, empty if there is none."""
    body = getattr(error, "body", None) or getattr(error, "details", None)
    if not isinstance(body, Mapping):
        return {}
    inner = body.get("error")
    return inner if isinstance(inner, Mapping) else body


def _retry_after(error: BaseException) -> float | None:
    """Read how long to wait from the headers, or from Google's RetryInfo in the body."""
    headers = getattr(getattr(error, "response", None), "headers", None)
    if isinstance(headers, Mapping):
        if milliseconds := _number(headers.get("retry-after-ms")):
            return milliseconds / 1000
        if value := headers.get("retry-after"):
            seconds = _number(value)
            return seconds if seconds is not None else _until(value)
    return _retry_info(getattr(error, "details", None))


def _retry_info(details: Any) -> float | None:  # noqa: ANN401 - a parsed JSON body
    """Read ``{"@type": ".../google.rpc.RetryInfo", "retryDelay": "34s"}``."""
    inner = details.get("error", details) if isinstance(details, Mapping) else None
    for detail in (inner.get("details") if isinstance(inner, Mapping) else None) or []:
        if isinstance(detail, Mapping) and "retryDelay" in detail:
            return _number(str(detail["retryDelay"]).removesuffix("s"))
    return None


def _number(value: object) -> float | None:
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None


def _until(date: str) -> float | None:
    """Seconds until an HTTP date; 0 for one that has passed."""
    try:
        return max(0.0, email.utils.parsedate_to_datetime(date).timestamp() - time.time())
    except ValueError:
        return None


def shown(text: str) -> str:
    """Make provider text fit to show: one line, no keys, not too long."""
    for name, value in os.environ.items():
        key = value.strip()
        if len(key) >= 8 and name.endswith(("_KEY", "_TOKEN", "_SECRET")):
            text = text.replace(key, "[key]")
    text = _KEY_LIKE.sub("[key]", " ".join(text.split()))
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"
