"""A scenario pack as its folder describes it: metadata, factors, and the unrendered trees of everything else."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from testbed.errors import PackError
from testbed.scenario import common
from testbed.scenario.limits import bounded_load
from testbed.scenario.source import Mark, MarkedDict, MarkedList, place, plain, read_text, read_yaml
from testbed.scenario.templates import Templates
from testbed.types import Condition, Frozen, content_hash

_SECTIONS = ("vars", "world", "harms", "tasks", "policies")
_REQUIRED = ("system", "user", "world", "harms", "policies")
_RESERVED = {"level", "all", "days", "isomorph", "trigger", "choose"}
# Pydantic's words for the commonest mistakes, in ours.
_MISTAKES = {
    "missing": "is missing",
    "extra_forbidden": "is no key that is known here",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
}

Record = TypeVar("Record", bound=BaseModel)


class Factor(Frozen):
    """One thing that varies between conditions.

    Attributes:
        default: The level that is used when nothing is set.
        levels: Each level with its own values, which templates reach as ``level.<factor>.<value>``.
        needs: Levels of other factors without which this one has nothing to act on: there only its default exists.
        changes: What the factor may change, for the linter; unused by the renderer.
    """

    description: str = ""
    default: str
    levels: dict[str, dict[str, str]]
    needs: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    changes: tuple[str, ...] = ()

    def unmet(self, levels: Mapping[str, str]) -> str:
        """Name the need that a condition's levels do not meet, or nothing."""
        for name, wanted in self.needs.items():
            if name in levels and levels[name] not in wanted:
                return f"{name} in {', '.join(wanted)}"
        return ""


class Manifest(Frozen):
    """The fixed part of ``scenario.yaml``; sections with templates are kept apart, unrendered.

    Attributes:
        aliases: Older names: for each level of such a name the levels that it stands for now.
    """

    id: str
    version: str
    title: str
    description: str = ""
    factors: dict[str, Factor] = Field(default_factory=dict)
    aliases: dict[str, dict[str, dict[str, str]]] = Field(default_factory=dict)
    tools: tuple[str, ...] | None = None
    system: str
    user: str


@dataclass(frozen=True)
class Scenario:
    """A loaded pack.

    Attributes:
        hash: Identity of all its text: what a result's provenance names.
        manifest: Metadata, factors, tools, the two prompts as templates.
        sections: The unrendered trees of ``vars``, ``world``, ``harms`` and ``policies``.
        root: The whole tree of ``scenario.yaml``, for places in messages.
        code: Hash of the pack's own ``tools.py``, empty without one. The file is not run here.
    """

    folder: Path
    hash: str
    manifest: Manifest
    sections: dict[str, Any]
    root: MarkedDict
    templates: Templates
    code: str = ""

    @property
    def id(self) -> str:
        """The pack's name."""
        return self.manifest.id

    def default_condition(self) -> Condition:
        """Every factor at its default level."""
        return Condition(levels={name: factor.default for name, factor in self.manifest.factors.items()})


@bounded_load
def load_pack(folder: Path) -> Scenario:
    """Load a pack's folder and check everything that does not need rendering.

    Raises:
        PackError: With file, line and field.
    """
    folder = folder.resolve()
    shown = f"{folder.name}/scenario.yaml"
    if not (folder / "scenario.yaml").resolve().is_relative_to(folder):
        raise PackError(f"{shown}: lies outside the pack.")
    tree = read_yaml(folder / "scenario.yaml", shown)
    if not isinstance(tree, MarkedDict):
        raise PackError(f"{shown}:1: must be a mapping.")
    texts: dict[str, str] = {shown: read_text(folder / "scenario.yaml", shown)}
    _inline_files(tree, tree.mark, folder, texts)
    _check_sections(tree, Mark(shown, 1))
    common.take_factors(tree)
    _normalise_levels(tree)
    fixed = {key: value for key, value in tree.items() if key not in _SECTIONS}
    manifest = validated(Manifest, fixed, tree, Mark(shown, 1))
    _check_factors(manifest, tree, folder)
    # Files that templates include are found by Jinja alone; they belong to the identity of the pack all the same.
    for path in sorted(folder.rglob("*.j2")):
        if path.resolve().is_relative_to(folder):
            name = str(path.relative_to(folder))
            texts[name] = read_text(path, f"{folder.name}/{name}")
    code = _code(folder, texts)
    if any("common" in text for text in texts.values()):
        texts |= common.texts()
    return Scenario(
        folder=folder,
        hash=content_hash(texts),
        manifest=manifest,
        sections={name: tree.get(name) for name in _SECTIONS},
        root=tree,
        templates=Templates(folder),
        code=code,
    )


def _code(folder: Path, texts: dict[str, str]) -> str:
    """Hash the pack's own code; it belongs to the identity of the pack, and of every case of it."""
    path = folder / "tools.py"
    if not path.exists():
        return ""
    if not path.resolve().is_relative_to(folder):
        raise PackError(f"{folder.name}/tools.py: lies outside the pack.")
    texts["tools.py"] = read_text(path, f"{folder.name}/tools.py")
    return content_hash(texts["tools.py"])


def validated(
    model: type[Record],
    value: Any,  # noqa: ANN401 - any YAML value
    tree: Any,  # noqa: ANN401
    default: Mark,
    section: str = "",
) -> Record:
    """Turn a rendered tree into a typed record.

    Args:
        model: The record's type.
        value: What to validate.
        tree: The marked tree with the same shape, for places in messages.
        default: The place to name when nothing better is known.
        section: What the tree is called, to begin the fields' names with.

    Raises:
        PackError: One line for each wrong field, with file, line and field.
    """
    try:
        return model.model_validate(plain(value))
    except ValidationError as error:
        lines = []
        for problem in error.errors(include_url=False, include_context=False)[:5]:
            field = ".".join(str(part) for part in (section, *problem["loc"]) if part != "")
            said = _MISTAKES.get(problem["type"], problem["msg"])
            lines.append(f"{place(tree, problem['loc'], default)}: {field}: {said}.")
        raise PackError("\n".join(lines)) from error


def _inline_files(
    value: Any,  # noqa: ANN401 - any YAML value
    mark: Mark,
    folder: Path,
    texts: dict[str, str],
    above: tuple[Path, ...] = (),
) -> tuple[Any, Mark]:
    """Replace every mapping of the one key ``file`` by what that file of the pack holds, with its own places."""
    if isinstance(value, MarkedDict):
        if set(value) == {"file"}:
            return _read_part(value, folder, texts, above)
        for key in value:
            value.put(key, *_inline_files(value[key], value.marks[key], folder, texts, above))
    elif isinstance(value, MarkedList):
        for index, item in enumerate(value):
            value[index], value.marks[index] = _inline_files(item, value.marks[index], folder, texts, above)
    return value, mark


def _read_part(reference: MarkedDict, folder: Path, texts: dict[str, str], above: tuple[Path, ...]) -> tuple[Any, Mark]:
    name, mark = reference["file"], reference.marks["file"]
    if not isinstance(name, str) or "\0" in name:
        raise PackError(f"{mark}: file: must be the name of a file in the pack.")
    path = (folder / name).resolve()
    if not path.is_relative_to(folder):
        raise PackError(f"{mark}: the file '{name}' lies outside the pack.")
    if not path.is_file():
        raise PackError(f"{mark}: the pack has no file '{name}'.")
    if path in above:
        raise PackError(f"{mark}: the file '{name}' includes itself.")
    shown = f"{folder.name}/{name}"
    texts[name] = read_text(path, shown)
    if path.suffix in (".yaml", ".yml"):
        tree = read_yaml(path, shown)
        return _inline_files(tree, tree.mark, folder, texts, (*above, path))
    return texts[name], Mark(shown, 1)


def _check_sections(root: MarkedDict, start: Mark) -> None:
    """Say of a whole section that it is missing or empty, before its fields are looked at."""
    for name in _REQUIRED:
        if name not in root:
            raise PackError(f"{start}: the section '{name}' is missing.")
        if isinstance(root[name], str) and not root[name].strip():
            raise PackError(f"{root.marks[name]}: the section '{name}' is empty.")
    for name in ("vars", "factors", "aliases"):
        if root.get(name) == "":
            root.put(name, MarkedDict(root.marks[name]), root.marks[name])
    if not isinstance(root.get("vars", {}), MarkedDict | dict):
        raise PackError(f"{root.marks['vars']}: vars: must be a mapping of names to values.")


def _normalise_levels(root: MarkedDict) -> None:
    """Let a factor's levels be written as a plain list where they carry no values of their own."""
    factors = root.get("factors")
    if not isinstance(factors, MarkedDict):
        return
    for factor in factors.values():
        levels = factor.get("levels") if isinstance(factor, MarkedDict) else None
        if isinstance(levels, MarkedList) and all(isinstance(level, str) for level in levels):
            named = MarkedDict(levels.mark)
            for level, mark in zip(levels, levels.marks, strict=True):
                named.put(level, MarkedDict(mark), mark)
            factor.put("levels", named, levels.mark)
        elif isinstance(levels, MarkedDict):
            for level, values in levels.items():
                if values == "":  # `replacement:` with nothing behind it
                    levels.put(level, MarkedDict(levels.marks[level]), levels.marks[level])


def _check_factors(manifest: Manifest, root: MarkedDict, folder: Path) -> None:
    start = Mark(f"{folder.name}/scenario.yaml", 1)
    if manifest.id != folder.name:
        raise PackError(f"{place(root, ('id',), start)}: id is '{manifest.id}', but the folder is '{folder.name}'.")
    variables = root.get("vars", {})
    for name in variables:
        if not name.isidentifier() or name in _RESERVED:
            raise PackError(f"{place(root, ('vars', name), start)}: vars.{name}: is no usable name.")
    for name, factor in manifest.factors.items():
        mark = place(root, ("factors", name), start)
        if not name.isidentifier() or name in _RESERVED or name in variables:
            raise PackError(f"{mark}: factors.{name}: is no usable name (not an identifier, reserved, or also a var).")
        if factor.default not in factor.levels:
            known = ", ".join(factor.levels) or "none"
            mark = place(root, ("factors", name, "default"), start)
            raise PackError(f"{mark}: factors.{name}.default: '{factor.default}' is none of its levels: {known}.")
        for level in factor.levels:
            if level == "all" or not level or set(level) & set(" ,="):
                mark = place(root, ("factors", name, "levels", level), start)
                raise PackError(f"{mark}: factors.{name}.levels: '{level}' is no usable level name.")
        for other, wanted in factor.needs.items():
            needed = manifest.factors.get(other)
            # A common factor may need one that this pack does not have; it then needs nothing.
            if needed is not None and not set(wanted) & set(needed.levels):
                mark = place(root, ("factors", name, "needs"), start)
                raise PackError(f"{mark}: factors.{name}.needs: '{other}' has none of the levels {', '.join(wanted)}.")
    _check_aliases(manifest, root, start)


def _check_aliases(manifest: Manifest, root: MarkedDict, start: Mark) -> None:
    for name, levels in manifest.aliases.items():
        mark = place(root, ("aliases", name), start)
        if name in manifest.factors or name in _RESERVED:
            raise PackError(f"{mark}: aliases.{name}: is the name of a factor already.")
        for level, meaning in levels.items():
            for factor, meant in meaning.items():
                if factor not in manifest.factors or meant not in manifest.factors[factor].levels:
                    raise PackError(f"{mark}: aliases.{name}.{level}: there is no {factor}={meant}.")
