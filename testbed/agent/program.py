"""Loads an agent file by path: the graph it defines, and the hash of its text."""

import hashlib
import importlib.util
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from langgraph.graph.state import CompiledStateGraph, StateGraph

from testbed.agent.adapters import SessionModel, session_tools
from testbed.agent.session import Session
from testbed.errors import TestbedError
from testbed.types import AgentRef, content_hash
from testbed.world import Tool

Graph = CompiledStateGraph[Any, Session, Any, Any]


@dataclass
class Program:
    """An agent as its file defines it.

    Attributes:
        ref: Name and hash; part of an episode's identity.
    """

    ref: AgentRef
    _made: "Graph | Callable[..., Any]"

    def __post_init__(self) -> None:
        """Start with no graph made by the factory."""
        self._by_tools: dict[tuple[str, ...], Graph] = {}

    def graph(self, tools: Sequence[Tool]) -> Graph:
        """Give the compiled graph; one is shared by all episodes with the same tools.

        Raises:
            TestbedError: If the file's function fails or makes no graph.
        """
        if isinstance(self._made, CompiledStateGraph):
            return self._made
        key = tuple(tool.name for tool in tools)
        if key not in self._by_tools:
            try:
                made = self._made(SessionModel(), session_tools(tools))
            except Exception as error:
                said = f"{type(error).__name__}: {error}"
                raise TestbedError(f"The function `graph` of agent {self.ref.name} failed: {said}") from error
            self._by_tools[key] = _compiled(made, self.ref.name)
        return self._by_tools[key]


def load_program(path: Path) -> Program:
    """Load an agent file.

    The file defines ``graph``: a LangGraph graph, compiled or not, whose runtime context is a :class:`Session`; or a
    function ``graph(model, tools)`` that returns one.

    Raises:
        TestbedError: If the file does not run, or defines no such graph.
    """
    text = path.read_bytes()
    ref = AgentRef(name=path.stem, hash=content_hash(hashlib.sha256(text).hexdigest()))
    module = _load_module(path, f"testbed_agent_{path.stem}_{ref.hash}")
    made = getattr(module, "graph", None)
    if made is None:
        raise TestbedError(f"The agent file {path} defines no `graph`.")
    if isinstance(made, CompiledStateGraph | StateGraph):
        return Program(ref, _compiled(made, path.name))
    if callable(made):
        return Program(ref, made)
    raise TestbedError(f"`graph` in {path} is neither a LangGraph graph nor a function that makes one.")


def _compiled(made: Any, name: str) -> Graph:  # noqa: ANN401 - whatever a user's file made
    if isinstance(made, StateGraph):
        return made.compile()
    if isinstance(made, CompiledStateGraph):
        return made
    raise TestbedError(f"`graph` of agent {name} made a {type(made).__name__}, not a LangGraph graph.")


def _load_module(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise TestbedError(f"The agent file {path} cannot be loaded.")
    module = importlib.util.module_from_spec(spec)
    # LangGraph resolves a state type's postponed annotations through sys.modules.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise TestbedError(f"The agent file {path} does not run: {type(error).__name__}: {error}") from error
    return module
