"""Connection pools. Both the OpenAI and the Anthropic SDK run over aiohttp here: half the CPU of their default."""

import httpx2

KEEPALIVE_SECONDS = 30.0


def pool_limits(connections: int) -> httpx2.Limits:
    """Size a pool so that every connection is kept: the usual limit of 100 idle ones means reconnecting all the time.

    Args:
        connections: Requests that may be under way at once.
    """
    return httpx2.Limits(
        max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=KEEPALIVE_SECONDS
    )
