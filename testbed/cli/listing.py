"""``testbed list``: what there is to run."""

from pathlib import Path

from rich.console import Console
from rich.text import Text

from testbed import content
from testbed.cli.report import console as wide_console
from testbed.errors import PackError
from testbed.runner.battery import load_battery
from testbed.scenario import Manifest, load_pack


def list_command(packs: tuple[Path, ...]) -> None:
    """Print batteries, scenarios with factors and levels (the default level in brackets), and agents."""
    console = wide_console()
    _heading(console, "Batteries")
    for name in content.list_batteries(packs):
        _entry(console, name, load_battery(name, packs).description)
    _heading(console, "Scenarios")
    for name, folder in content.list_packs(packs).items():
        manifest = manifest_or_fault(folder)
        if isinstance(manifest, str):
            _entry(console, name, manifest)
            continue
        _entry(console, name, manifest.title)
        for factor, described in manifest.factors.items():
            levels = [f"[{level}]" if level == described.default else level for level in described.levels]
            _entry(console, f"  {factor}", ", ".join(levels))
    _heading(console, "Agents")
    for root in content.roots("agents"):
        for path in sorted(root.glob("*.py")):
            _entry(console, path.stem, _first_line(path))


def manifest_or_fault(folder: Path) -> Manifest | str:
    """Load a pack's manifest, or say why it cannot be loaded: one broken pack is no reason to list none."""
    try:
        return load_pack(folder).manifest
    except PackError as error:
        return f"cannot be loaded: {str(error).splitlines()[0]}"


def _heading(console: Console, text: str) -> None:
    console.print(Text(text, style="bold"))


def _entry(console: Console, name: str, text: str) -> None:
    console.print(Text(f"  {name:<22} {text}"))


def _first_line(path: Path) -> str:
    """Give the first line of a file's docstring, without running the file."""
    return path.read_text(encoding="utf-8").split("\n", 1)[0].strip().strip('"')
