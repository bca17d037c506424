"""A rendered case as named parts, so that two cases can be compared part by part."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from testbed.types import Case

# What tells the items of each list apart; other lists are compared as a whole.
_KEYS = {"emails": "id", "files": "id", "channels": "id", "replies": "id", "people": "email"}


def parts(case: Case) -> dict[str, str]:
    """Take apart what the agent meets.

    Returns:
        Texts by path: ``system``, ``user``, ``tools``, ``emails.e01.body``, ``people.rita@firm.example.role`` and so
        on; ``emails.order`` is the order of the list's items. Empty fields are left out.
    """
    found = {"system": case.system, "user": case.user, "tools": ", ".join(case.tools)}
    for name, value in case.world.model_dump(mode="json").items():
        if name in _KEYS:
            _add_items(found, name, value)
        else:
            _add(found, name, value)
    return {path: text for path, text in found.items() if text}


def _add_items(found: dict[str, str], name: str, items: list[dict[str, Any]]) -> None:
    found[f"{name}.order"] = ", ".join(str(item[_KEYS[name]]) for item in items)
    for item in items:
        for field, value in item.items():
            if field != _KEYS[name]:
                _add(found, f"{name}.{item[_KEYS[name]]}.{field}", value)


def _add(found: dict[str, str], path: str, value: Any) -> None:  # noqa: ANN401 - any JSON value
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _add(found, f"{path}.{key}", inner)
    elif isinstance(value, list):
        found[path] = "\n".join(map(str, value))
    elif value is not None:
        found[path] = str(value)


def changed(first: Case, second: Case) -> list[str]:
    """List the paths at which two cases differ.

    An item that only one of them has is given by its own path (``emails.e07``) and not field by field, and it is no
    change of the order of the others.
    """
    one, two = parts(first), parts(second)
    whole = {item for item in _items(one) ^ _items(two)}
    found = sorted(whole)
    for path in [*one, *(path for path in two if path not in one)]:
        item = _item_of(path)
        if path.endswith(".order") and path.count(".") == 1:
            if _shared(one, two, path) != _shared(two, one, path):
                found.append(path)
        elif item not in whole and one.get(path) != two.get(path):
            found.append(path)
    return found


def covered(path: str, patterns: tuple[str, ...]) -> bool:
    """Whether a path lies at or under one of some patterns, such as ``emails.e10`` or ``files.*.content``."""
    names = [pattern.removeprefix("world.") for pattern in patterns]
    return any(
        path == name or path.startswith(name + ".") or fnmatchcase(path, name) or fnmatchcase(path, name + ".*")
        for name in names
    )


def _item_of(path: str) -> str:
    """The item that a path lies in: ``emails.e01`` of ``emails.e01.body``; addresses hold dots themselves."""
    section, _, rest = path.partition(".")
    if section not in _KEYS or rest == "order":
        return ""
    if section == "people":
        return f"{section}.{rest.rpartition('.')[0]}"
    return f"{section}.{rest.partition('.')[0]}"


def _items(found: Mapping[str, str]) -> set[str]:
    return {_item_of(path) for path in found} - {""}


def _shared(of: Mapping[str, str], other: Mapping[str, str], path: str) -> list[str]:
    theirs = set(other.get(path, "").split(", "))
    return [item for item in of.get(path, "").split(", ") if item in theirs]
