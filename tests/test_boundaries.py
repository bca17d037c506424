"""The dependencies between the parts, walked from the imports: what stands left is imported by what stands right."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# What each part may import of the others. `errors`, `types`, `sanitize` and the version are open to all.
OPEN = {"", "errors", "types", "sanitize"}
ALLOWED = {
    "errors": set(),
    "types": set(),
    "sanitize": set(),
    "seeds": set(),
    "content": set(),
    "models": set(),
    "world": set(),
    "scenario": {"content"},
    "agent": {"models", "world"},
    "plan": {"seeds"},
    "episode": {"agent", "models", "plan"},
    "scoring": {"models"},
    "store": set(),
    "stats": set(),
    "published": {"content", "scenario"},
    "report": {"stats", "store", "published"},
    "authoring": {"content", "scenario", "world", "scoring", "agent", "episode", "plan", "models", "report"},
    "calibration": {
        "content",
        "scenario",
        "agent",
        "episode",
        "plan",
        "models",
        "scoring",
        "world",
        "store",
        "stats",
    },  # fmt: skip
    "runner": {"agent", "content", "episode", "models", "plan", "scenario", "scoring", "store"},
    "compare": {"models", "plan", "runner", "scenario", "stats", "store", "world"},
}
RIGHTMOST = {"cli", "__main__"}


def modules():
    return sorted((ROOT / "testbed").rglob("*.py"))


def part(path):
    return path.relative_to(ROOT / "testbed").parts[0].removesuffix(".py").replace("__init__", "")


def imported(path):
    """The parts of the testbed that a file imports, lazily or not."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "testbed":
            names = [node.module] if node.module != "testbed" else [f"testbed.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name.split(".")[0] == "testbed"]
        for name in names:
            yield (name.split(".") + [""])[1] if name != "testbed.__version__" else ""


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_part_imports_what_stands_right_of_it(path):
    own = part(path)
    if own in RIGHTMOST or own == "":
        return
    assert own in ALLOWED, f"{own} has no place in the order yet: give it one here and in the README"
    foreign = set(imported(path)) - ALLOWED[own] - OPEN - {own}
    assert not foreign, f"{own} must not import {', '.join(sorted(foreign))}"


def test_scoring_knows_no_agent():
    for path in (ROOT / "testbed" / "scoring").rglob("*.py"):
        assert not {"agent", "episode", "runner", "world"} & set(imported(path)), path


@pytest.mark.parametrize("heavy", ["torch", "transformers", "peft"])
def test_only_local_models_import_the_local_extra(heavy):
    for path in modules():
        if path.is_relative_to(ROOT / "testbed" / "models" / "local"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert heavy not in {name.split(".")[0] for name in names}, path


def test_a_plan_of_local_models_is_checked_without_loading_torch():
    """Names, hashes, cards and the table of providers are read by commands that run no model."""
    light = ", ".join(f"testbed.models.local.{name}" for name in ("cards", "hashes", "resolve", "formats", "build"))
    code = f"import sys, {light}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_agents_and_scenarios_are_content_and_no_packages():
    assert not list((ROOT / "agents").rglob("__init__.py")) and not list((ROOT / "scenarios").rglob("__init__.py"))


# What `finetune` may import of the testbed. The tiny base's generator plays policies through the real world,
# and its measurements score what was done there.
FINETUNE = {"types", "models", "stats", "store", "errors", "content", "seeds", "sanitize", ""}
TINY = FINETUNE | {"scenario", "plan", "episode", "agent", "world", "scoring"}


@pytest.mark.parametrize(
    "path", sorted((ROOT / "finetune").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT))
)
def test_finetune_stands_left_of_runner_and_commands(path):
    allowed = TINY if path.is_relative_to(ROOT / "finetune" / "tiny") else FINETUNE
    foreign = set(imported(path)) - allowed
    assert not foreign, f"{path.name} must not import {', '.join(sorted(foreign))}"


def test_recipes_and_sweeps_are_read_without_loading_torch():
    """Commands that only list, check or plan must work without the extra."""
    light = "finetune.train.recipe, finetune.train.sweep, finetune.train.extra, testbed.cli.finetune_commands"
    code = f"import sys, {light}; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
