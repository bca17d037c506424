"""The only layer of retries: the SDKs' own are switched off."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from testbed.models.errors import ContextFull, InfraError, ModelUnavailable, RequestRejected
from testbed.models.failures import Kind, classify

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently a model call is repeated.

    Attributes:
        attempts: Calls in all.
        base_delay: Seconds before the second attempt, on average; doubled each time.
        max_delay: Upper limit of that, in seconds.
        max_retry_after: The longest wait, in seconds, that is granted to a provider that asks for one. Where it asks
            for more (a daily quota), the call fails at once.
        timeout: Seconds that one attempt may take, or ``None``.
    """

    attempts: int = 6
    base_delay: float = 1.0
    max_delay: float = 60.0
    max_retry_after: float = 300.0
    timeout: float | None = None


async def with_retries(
    call: Callable[[], Awaitable[T]],
    policy: RetryPolicy,
    on_retry: Callable[[int, float, Exception], None] | None = None,
) -> T:
    """Await ``call()`` until it succeeds, it cannot succeed, or the attempts are used up.

    Repeated are statuses 408, 409, 425, 429 and 5xx (Anthropic's 529 among them), timeouts, lost connections and
    bodies that cannot be read. A wait that the provider asks for is kept; otherwise it is exponential, with jitter.

    Args:
        call: Makes one attempt.
        policy: Limits.
        on_retry: Told of every failed attempt that is repeated: its number (from 1), the wait in seconds, the error.

    Raises:
        InfraError: The last attempt failed as well.
        RequestRejected: The provider rejects this request.
        ContextFull: It does so because the request is longer than the model's context.
        ModelUnavailable: The provider rejects every request to this model: key, access, quota or name are wrong.
    """

    def told(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if on_retry and isinstance(error, Exception) and state.next_action:
            on_retry(state.attempt_number, state.next_action.sleep, error)

    retrying = AsyncRetrying(
        stop=stop_after_attempt(policy.attempts),
        retry=retry_if_exception(lambda error: _worth_repeating(error, policy)),
        wait=lambda state: _delay(state, policy),
        before_sleep=told,
        sleep=_sleep,
        reraise=True,
    )
    try:
        return await retrying(_attempt, call, policy.timeout)
    except Exception as error:
        failure = classify(error)
        attempts = retrying.statistics.get("attempt_number", 1)
        match failure.kind:
            case Kind.REJECTED:
                raise RequestRejected(f"The provider rejected the request: {failure.text}") from error
            case Kind.CONTEXT_FULL:
                raise ContextFull(f"The prompt does not fit into the model's context: {failure.text}") from error
            case Kind.UNAVAILABLE:
                raise ModelUnavailable(f"The model cannot be used: {failure.text}") from error
            case Kind.TRANSIENT:
                raise InfraError(f"No answer after {attempts} attempt(s): {failure.text}") from error
        raise


async def _attempt(call: Callable[[], Awaitable[T]], timeout: float | None) -> T:
    try:
        async with asyncio.timeout(timeout) as limit:
            return await call()
    except TimeoutError as error:
        if limit.expired():
            raise TimeoutError(f"no answer within {timeout:g} s") from error
        raise


def _worth_repeating(error: BaseException, policy: RetryPolicy) -> bool:
    if not isinstance(error, Exception):
        return False  # cancellation and the like
    failure = classify(error)
    return failure.kind is Kind.TRANSIENT and (failure.retry_after or 0) <= policy.max_retry_after


def _delay(state: RetryCallState, policy: RetryPolicy) -> float:
    """Seconds until the next attempt: as asked for (a little more, so that not all come back at once), or doubling."""
    error = state.outcome.exception() if state.outcome else None
    asked = classify(error).retry_after if error else None
    if asked is not None:
        return asked + random.uniform(0, 1)
    return min(policy.max_delay, policy.base_delay * 2.0 ** (state.attempt_number - 1)) * random.uniform(0.5, 1.5)


async def _sleep(seconds: float) -> None:
    """Wait between attempts; a name of its own so that tests can see the waits without waiting."""
    await asyncio.sleep(seconds)
