"""What holds for every test: no connection leaves the machine, no key or tracing setting of the developer is seen."""

import ipaddress
import os
import socket

import pytest

_HIDDEN_PREFIXES = ("LANGSMITH_", "LANGCHAIN_", "COMPAT_", "TESTBED_")
_HIDDEN_SUFFIXES = ("_API_KEY", "_AUTH_TOKEN", "_BASE_URL", "_API_BASE")
_HIDDEN = ("OPENAI_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "GOOGLE_GENAI_USE_VERTEXAI")


class ForbiddenConnectionError(Exception):
    """A test tried to reach something other than this machine."""


def _is_local(host: object) -> bool:
    """Tell loopback names and addresses from all others."""
    if host in ("localhost", b"localhost", "", None):
        return True
    try:
        return ipaddress.ip_address(host.decode() if isinstance(host, bytes) else str(host)).is_loopback
    except ValueError:
        return False


def _check(host: object) -> None:
    if not _is_local(host):
        raise ForbiddenConnectionError(f"A test tried to reach {host!r}; only loopback is allowed.")


class _GuardedSocket(socket.socket):
    """A socket that connects to loopback and to Unix sockets only. asyncio's own connects end here too."""

    def connect(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _check(address[0])
        return super().connect(address)

    def connect_ex(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _check(address[0])
        return super().connect_ex(address)


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch):
    resolve = socket.getaddrinfo

    def getaddrinfo(host, *args, **kwargs):
        _check(host)
        return resolve(host, *args, **kwargs)

    monkeypatch.setattr(socket, "socket", _GuardedSocket)
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    for name in list(os.environ):
        upper = name.upper()
        if upper.startswith(_HIDDEN_PREFIXES) or upper.endswith(_HIDDEN_SUFFIXES) or upper in _HIDDEN:
            monkeypatch.delenv(name)
