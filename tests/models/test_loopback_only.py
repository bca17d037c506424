"""The guard of the test suite itself: nothing but loopback can be reached, no key is seen."""

import os
import socket

import aiohttp
import pytest


@pytest.mark.parametrize("address", [("192.0.2.1", 443), ("api.openai.com", 443)])
def test_a_plain_socket_is_stopped(address):
    with pytest.raises(Exception, match="only loopback is allowed"), socket.create_connection(address, timeout=1):
        pass
    with pytest.raises(Exception, match="only loopback is allowed"), socket.socket() as raw:
        raw.connect(address)


async def test_an_asynchronous_client_is_stopped():
    async with aiohttp.ClientSession() as session:
        for url in ("http://192.0.2.1/", "https://api.anthropic.com/"):
            with pytest.raises(Exception, match="only loopback is allowed"):
                await session.get(url)


def test_no_key_of_the_developer_is_seen():
    assert not [name for name in os.environ if name.endswith("_API_KEY") or name.startswith("LANGSMITH_")]
