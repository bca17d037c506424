"""The testbed's own building blocks for packs: factors, prompt parts, name pools, further mail for dense inboxes."""

from functools import cache
from pathlib import Path

from testbed import content
from testbed.errors import PackError
from testbed.scenario.source import MarkedDict, MarkedList, read_text, read_yaml


@cache
def folder() -> Path:
    """Find the shipped ``scenarios/common``; a user's own folder cannot replace it."""
    return next(root / "common" for root in content.shipped("scenarios") if (root / "common").is_dir())


@cache
def texts() -> dict[str, str]:
    """Read all common files: they belong to the identity of a pack that uses any."""
    return {f"common/{path.name}": read_text(path, f"common/{path.name}") for path in sorted(folder().iterdir())}


@cache
def tree(name: str) -> MarkedDict:
    """Read one common YAML file."""
    read = read_yaml(folder() / name, f"common/{name}")
    if not isinstance(read, MarkedDict):
        raise PackError(f"common/{name}:1: must be a mapping.")
    return read


def take_factors(root: MarkedDict) -> None:
    """Replace ``{common: name}`` by the common factor; keys beside ``common`` (a default, say) win over it.

    Raises:
        PackError: If there is no such common factor.
    """
    factors = root.get("factors")
    if not isinstance(factors, MarkedDict):
        return
    shared = tree("factors.yaml")
    for name, factor in factors.items():
        if not isinstance(factor, MarkedDict) or "common" not in factor:
            continue
        wanted = factor["common"]
        if wanted not in shared:
            mark = factor.marks["common"]
            known = ", ".join(shared)
            raise PackError(f"{mark}: factors.{name}.common: there is no common factor '{wanted}'. Known: {known}.")
        merged = MarkedDict(factor.mark)
        for source in (shared[wanted], factor):
            for key, value in source.items():
                if key != "common":
                    merged.put(key, value, source.marks[key])
        factors.put(name, merged, factors.marks[name])


def pool(name: str, where: object) -> MarkedList:
    """Give a pool of names.

    Raises:
        PackError: If there is none of that name.
    """
    names = tree("names.yaml")
    if name not in names:
        raise PackError(f"{where}: common: there is no pool '{name}'. Pools: {', '.join(names)}.")
    found = names[name]
    assert isinstance(found, MarkedList)  # noqa: S101 - a shipped file
    return found
