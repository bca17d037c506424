"""Loopback servers that speak the providers' protocols, play a script and inject faults.

    async with serve([Answer(calls=(Call("send_email", {...}),)), Fault.status(429), Answer("done")]) as server:
        server.point_to(monkeypatch)     # base URLs and keys of every provider
        ...
        assert len(server.requests) == 3

One server speaks all protocols (chat completions, Responses, Anthropic messages, Gemini generateContent), each at its
own path. A script is a list, played in the order in which requests arrive, or a function of the request; the turn
(``request.turn``) then tells how far that conversation is, so that many can go on at once. Like the real ones, the
servers reject a conversation that lost the reasoning which a tool call came with.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from .protocols import PROTOCOLS, Answer, Call, Protocol, Rejected

__all__ = ["Answer", "Call", "Fault", "Request", "Server", "serve"]

KEY = "sk-loopback-0123456789abcdef"
_SECRET_HEADERS = {"authorization", "x-api-key", "x-goog-api-key"}


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong instead of an answer.

    ``kind``: ``status`` (an error status), ``drop`` (the connection is cut before a word), ``stall`` (no answer until
    the server ends), ``truncate`` (the connection is cut inside the body), ``body`` (status 200, this text as body).
    """

    kind: str
    code: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = "overloaded, try again later"

    @classmethod
    def status(cls, code: int, text: str = "overloaded, try again later", **headers: str) -> "Fault":
        """Answer with an error status; headers as ``retry_after="3"``."""
        return cls("status", code, {name.replace("_", "-"): value for name, value in headers.items()}, text)


@dataclass(frozen=True)
class Request:
    """One request as it was logged, without its key. ``turn`` counts from 1: one more than the answers it contains."""

    index: int
    path: str
    headers: dict[str, str]
    json: dict[str, Any]
    turn: int
    key: str = field(repr=False, default="")


# A dict is sent as it is, in the protocol's own words.
Reply = Answer | Fault | dict[str, Any]
Script = Sequence[Reply] | Callable[[Request], Reply]


class Server:
    """A running server: its address, and the log of what it was asked."""

    def __init__(self, script: Script, latency: float = 0.0, keep_log: bool = True) -> None:
        """Set the script and the seconds that each answer takes."""
        self.script = script
        self.latency = latency
        self.requests: list[Request] = []
        self.count = 0
        self.url = ""
        self.answered = 0
        self.peers: set[tuple[str, int]] = set()  # one for each connection that was opened
        self.before: Callable[[], Awaitable[Any]] | None = None  # awaited before each answer
        self._keep_log = keep_log
        self._stopping = asyncio.Event()
        self._protocols: dict[str, Protocol] = {}

    def environment(self) -> dict[str, str]:
        """Environment variables that send every provider's SDK here."""
        keys = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY")
        return dict.fromkeys(keys, KEY) | {
            "OPENAI_BASE_URL": f"{self.url}/v1",
            "COMPAT_BASE_URL": f"{self.url}/v1",
            "ANTHROPIC_BASE_URL": self.url,
            "GOOGLE_GEMINI_BASE_URL": self.url,
        }

    def point_to(self, monkeypatch: Any) -> None:
        """Set that environment for one test."""
        for name, value in self.environment().items():
            monkeypatch.setenv(name, value)

    def app(self) -> web.Application:
        """Route each protocol's path to its handler."""
        app = web.Application(client_max_size=64 * 2**20)
        for path, protocol_class in PROTOCOLS.items():
            protocol = protocol_class()
            self._protocols[path] = protocol
            app.router.add_post(path, self._handler(protocol))
        return app

    def stop(self) -> None:
        """Let go of stalled requests."""
        self._stopping.set()

    def _handler(self, protocol: Protocol) -> Callable[[web.Request], Any]:
        async def handle(http: web.Request) -> web.StreamResponse:
            body = json.loads(await http.read())
            request = self._log(http, body, protocol)
            if self.before is not None:
                await self.before()
            if self.latency:
                await asyncio.sleep(self.latency)
            try:
                protocol.check(body)
                reply = self._next(request)
            except Rejected as error:
                return web.json_response(protocol.error(400, str(error)), status=400)
            if isinstance(reply, Fault):
                return await self._fail(http, reply, protocol)
            self.answered += 1
            return web.json_response(
                protocol.render(reply, body, request.index) if isinstance(reply, Answer) else reply
            )

        return handle

    def _log(self, http: web.Request, body: dict[str, Any], protocol: Protocol) -> Request:
        headers = {name.lower(): value for name, value in http.headers.items()}
        key = next((headers[name] for name in _SECRET_HEADERS if name in headers), "")
        kept = {name: value for name, value in headers.items() if name not in _SECRET_HEADERS}
        request = Request(self.count, http.path, kept, body, protocol.turns(body) + 1, key)
        self.count += 1
        if http.transport is not None:
            self.peers.add(http.transport.get_extra_info("peername"))
        if self._keep_log:
            self.requests.append(request)
        return request

    def _next(self, request: Request) -> Reply:
        if callable(self.script):
            return self.script(request)
        if request.index >= len(self.script):
            raise Rejected("the script of this test is over")
        return self.script[request.index]

    async def _fail(self, http: web.Request, fault: Fault, protocol: Protocol) -> web.StreamResponse:
        match fault.kind:
            case "status":
                body = protocol.error(fault.code, fault.text)
                return web.json_response(body, status=fault.code, headers=fault.headers)
            case "body":
                return web.Response(text=fault.text, content_type="application/json", headers=fault.headers)
            case "stall":
                await self._stopping.wait()
            case "truncate":
                response = web.StreamResponse(headers={"Content-Length": "1000", "Content-Type": "application/json"})
                await response.prepare(http)
                await response.write(b'{"id": "half an')
        if http.transport is not None:
            http.transport.close()
        return web.Response()


@contextlib.asynccontextmanager
async def serve(script: Script, latency: float = 0.0, keep_log: bool = True) -> AsyncIterator[Server]:
    """Run a server on a free port of the loopback interface.

    Args:
        script: What it answers.
        latency: Seconds that each answer takes.
        keep_log: Whether requests are kept (``server.count`` counts them either way).
    """
    server = Server(script, latency, keep_log)
    runner = web.AppRunner(server.app(), access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        server.stop()
        await runner.cleanup()
