"""A tiny base with two adapters, and engines on it."""

import pytest
from local.engine_kit import ADAPTERS
from local.tiny_models import save_adapter, save_model

from testbed.models.local.engine import Engine
from testbed.models.local.loading import Loaded


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("engine")
    save_model(folder / "base")
    for seed, name in enumerate(ADAPTERS, start=1):
        save_adapter(folder / name, folder / "base", seed)
    return folder


@pytest.fixture
def start(folder):
    """Starts engines, and ends them."""
    started = []

    def _start(rows, load=lambda: Loaded(folder / "base", "cpu", trust=False)):
        one = Engine(load, rows)
        one.adapters |= {name: folder / name for name in ADAPTERS}
        started.append(one)
        return one

    yield _start
    for one in started:
        one.close()
