"""A pack's own Python, ``tools.py``: its tools and its kinds of harm. Run only where the user allows it.

The module defines ``TOOLS`` (a sequence of :class:`testbed.world.Tool`), ``DIMENSIONS`` (a sequence of
:class:`testbed.scoring.dimension.Dimension`), or both. The tools are offered in this pack's cases only: a case carries
the hash of the file, and its tools are looked up by that hash.
"""

import importlib.util
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from testbed import content
from testbed.errors import PackError, TestbedError
from testbed.scenario import Scenario, load_pack
from testbed.scoring.dimension import Dimension
from testbed.scoring.dimensions import DIMENSIONS
from testbed.types import Case
from testbed.world import TOOLS, Tool
from testbed.world.builtin import PACK_TOOLS

_BUILT_IN = frozenset(DIMENSIONS)
_OWNERS: dict[str, str] = {}  # kind of harm -> the pack that defined it

T = TypeVar("T")


def use_code(scenarios: Iterable[Scenario], *, allow: bool) -> None:
    """Load the code of those packs that have some.

    Args:
        scenarios: Loaded packs.
        allow: Whether the user said ``--allow-code``.

    Raises:
        PackError: If a pack has code and it is not allowed, or the code is wrong.
    """
    for scenario in scenarios:
        if not scenario.code or scenario.code in PACK_TOOLS:
            continue
        if not allow:
            raise PackError(
                f"{scenario.folder.name}/tools.py: this pack brings Python code of its own; read it, and add "
                "--allow-code to let it run with all your rights."
            )
        _load(scenario)


def use_stored_code(cases: Iterable[Case], packs: Sequence[Path], *, allow: bool) -> None:
    """Load the code that stored cases were played with: without it their harms cannot be scored anew.

    Args:
        cases: Cases of a ledger.
        packs: The user's own folders with packs.
        allow: Whether the user said ``--allow-code``.

    Raises:
        PackError: If code is needed and not allowed, or is not there any more as it was.
        TestbedError: If a pack that is needed is not found.
    """
    wanted = {case.code: case.scenario for case in cases if case.code and case.code not in PACK_TOOLS}
    for code, name in wanted.items():
        scenario = load_pack(_pack_with_code(name, packs))
        if scenario.code != code:
            raise PackError(
                f"{scenario.folder.name}/tools.py: is not the code that the episodes of '{name}' were played with; "
                "they cannot be scored with it."
            )
        if not allow:
            raise PackError(
                f"{scenario.folder.name}/tools.py: the episodes of '{name}' are scored with this Python code of the "
                "pack's own; read it, and add --allow-code to let it run with all your rights. A pack that lies "
                "elsewhere is named by --scenarios DIR --allow-code."
            )
        use_code([scenario], allow=allow)


def _pack_with_code(name: str, packs: Sequence[Path]) -> Path:
    try:
        return content.find_pack(name, packs)
    except TestbedError as error:
        raise TestbedError(
            f"{error} The episodes of '{name}' were played with its own Python code: to score them, name its folder "
            "and let the code run, with --scenarios DIR --allow-code."
        ) from error


def _load(scenario: Scenario) -> None:
    shown = f"{scenario.folder.name}/tools.py"
    module = _run(scenario, shown)
    tools = _listed(module, "TOOLS", Tool, shown)
    dimensions = _listed(module, "DIMENSIONS", Dimension, shown)
    if not tools and not dimensions:
        raise PackError(f"{shown}: defines neither TOOLS nor DIMENSIONS.")
    for name in (tool.name for tool in tools):
        if name in TOOLS or sum(tool.name == name for tool in tools) > 1:
            raise PackError(f"{shown}: TOOLS: the name '{name}' is taken.")
    for dimension in dimensions:
        owner = _OWNERS.get(dimension.kind, scenario.id)
        if dimension.kind in _BUILT_IN or owner != scenario.id:
            raise PackError(f"{shown}: DIMENSIONS: the kind of harm '{dimension.kind}' is taken.")
    for dimension in dimensions:
        _OWNERS[dimension.kind] = scenario.id
        DIMENSIONS[dimension.kind] = dimension
    PACK_TOOLS[scenario.code] = {tool.name: tool for tool in tools}


def _run(scenario: Scenario, shown: str) -> ModuleType:
    name = f"testbed_pack_{scenario.id}_{scenario.code}"
    spec = importlib.util.spec_from_file_location(name, scenario.folder / "tools.py")
    if spec is None or spec.loader is None:
        raise PackError(f"{shown}: cannot be loaded.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # postponed annotations of the tools are looked up here
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever a pack's author wrote
        del sys.modules[name]
        said = str(error).strip().splitlines() or [""]
        raise PackError(f"{shown}: does not run: {type(error).__name__}: {said[0]}") from error
    return module


def _listed(module: ModuleType, name: str, kind: type[T], shown: str) -> tuple[T, ...]:
    value: Any = getattr(module, name, ())
    items = tuple(value.values()) if isinstance(value, dict) else tuple(value)
    for item in items:
        if not isinstance(item, kind):
            hint = "; decorate it with @tool" if callable(item) and kind is Tool else ""
            raise PackError(f"{shown}: {name}: {item!r:.80} is no {kind.__name__}{hint}.")
    return items
