"""Building a set through the real chat-completions client."""

import pytest
from build_kit import ONCE, RATERS, SPEC, WRITER
from wire.servers import serve

from finetune.data.answers_store import AnswerStore
from finetune.data.build import Builder


@pytest.fixture
def build(tmp_path, monkeypatch):
    """Build with a script; gives the set, and what the server was asked."""

    async def building(script, spec=SPEC, writer=WRITER, raters=RATERS, connections=16, before=None):
        async with serve(script) as server:
            server.before = before
            server.point_to(monkeypatch)
            with AnswerStore(tmp_path / "answers.db") as store:
                builder = Builder(spec, writer, raters, store, retries=ONCE, connections=connections)
                return await builder.build(), server

    return building
