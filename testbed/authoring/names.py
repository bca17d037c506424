"""Names in templates, without rendering: those that nothing defines, and what is defined and never used."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.meta import find_undeclared_variables

from testbed.authoring.findings import Findings
from testbed.scenario import Scenario, common
from testbed.scenario.source import Mark, MarkedDict, MarkedList, read_text
from testbed.scenario.templates import is_template

_GIVEN = {
    "level",
    "days",
    "range",
    "dict",
    "cycler",
    "joiner",
    "namespace",
    "loop",
    "caller",
    "self",
    "super",
    "varargs",
}
_PARTS = (".j2", ".yaml", ".yml")


@dataclass
class _Used:
    """What the templates of a pack use.

    Attributes:
        names: Names, each with where it was seen first; ``maybe`` those that are only used if they are defined.
        values: ``(factor, value)`` of ``level.factor.value``.
        files: Names of included files, and of files that a value came from.
    """

    names: dict[str, Mark] = field(default_factory=dict)
    maybe: set[str] = field(default_factory=set)
    values: dict[tuple[str, str], Mark] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)


def check_names(scenario: Scenario, findings: Findings) -> None:
    """Report undefined and unused names, level values and files of a pack."""
    used = _used(scenario)
    factors = scenario.manifest.factors
    variables = scenario.sections["vars"] or {}
    known = {*factors, *variables, *_GIVEN}
    for name, mark in used.names.items():
        if name not in known:
            findings.add("error", mark, f"'{name}' is neither a var nor a factor.")
    for (factor, value), mark in used.values.items():
        if factor in factors and all(value not in level for level in factors[factor].levels.values()):
            findings.add("error", mark, f"no level of the factor '{factor}' has a value '{value}'.")
        elif factor not in factors and factor not in used.maybe:
            findings.add("error", mark, f"level.{factor}: there is no factor '{factor}'.")
    _check_unused(scenario, used, findings)


def _check_unused(scenario: Scenario, used: _Used, findings: Findings) -> None:
    seen = {*used.names, *used.maybe}
    variables = scenario.sections["vars"]
    if isinstance(variables, MarkedDict):
        for name, mark in variables.marks.items():
            if name not in seen:
                findings.add("warning", mark, f"the var '{name}' is never used.")
    tree = scenario.root.get("factors")
    for name, factor in scenario.manifest.factors.items():
        mark = tree.marks[name] if isinstance(tree, MarkedDict) else Mark(f"{scenario.id}/scenario.yaml", 1)
        if name not in seen and not any(factor_name == name for factor_name, _ in used.values):
            findings.add("warning", mark, f"the factor '{name}' is never used.")
            continue
        keys = {key for values in factor.levels.values() for key in values}
        for key in sorted(keys):
            if (name, key) not in used.values and (name, "*") not in used.values and not _is_common(name, key):
                findings.add("warning", mark, f"the value '{key}' of the factor '{name}' is never used.")
    for path in sorted(scenario.folder.rglob("*")):
        name = str(path.relative_to(scenario.folder))
        if path.suffix in _PARTS and path.is_file() and name != "scenario.yaml" and name not in used.files:
            findings.add("warning", f"{scenario.id}/{name}", "this file is never used.")


def _is_common(factor: str, key: str) -> bool:
    """Whether a value is one that a common factor carries for all packs."""
    declared = common.tree("factors.yaml").get(factor)
    levels = declared.get("levels") if isinstance(declared, MarkedDict) else None
    return isinstance(levels, MarkedDict) and any(isinstance(v, dict) and key in v for v in levels.values())


def _used(scenario: Scenario) -> _Used:
    used = _Used()
    factors = scenario.root.get("factors")
    for text, mark, expression in _leaves(scenario.root, scenario.root.mark):
        used.files.add(mark.file.partition("/")[2])
        _read(text, mark, expression, used, scenario)
    if isinstance(factors, MarkedDict) and "realism" in factors:
        for text, mark, expression in _leaves(common.tree("dense.yaml"), Mark("common/dense.yaml", 1)):
            _read(text, mark, expression, used, scenario, ours=False)
    return used


def _leaves(value: Any, mark: Mark, key: str = "") -> Iterator[tuple[str, Mark, bool]]:  # noqa: ANN401 - any YAML value
    """Give every text, where it stands, and whether it is an expression as a whole (``when:``, ``choose:``)."""
    if isinstance(value, str):
        yield value, mark, key in ("when", "choose")
    elif isinstance(value, MarkedList):
        for item, item_mark in zip(value, value.marks, strict=True):
            yield from _leaves(item, item_mark)
    elif isinstance(value, MarkedDict):
        yield "", value.mark, False  # so that the file is known to be used
        for name, item in value.items():
            yield from _leaves(item, value.marks[name], name)


def _read(text: str, mark: Mark, expression: bool, used: _Used, scenario: Scenario, *, ours: bool = True) -> None:
    """Note the names of one text and of what it includes."""
    source = "{{ " + text + " }}" if expression else text
    if not is_template(source):
        return
    try:
        tree = Environment().parse(source)
        names = find_undeclared_variables(tree)
    except TemplateSyntaxError:
        return  # rendering says what is wrong
    optional = _optional(tree)
    for name in sorted(names):
        if name in optional or not ours:
            used.maybe.add(name)
        else:
            used.names.setdefault(name, _line_of(tree, name, mark))
    for factor, value in _level_values(tree):
        used.values.setdefault((factor, value), mark)
        if not ours:
            used.maybe.add(factor)
    for name in _included(tree):
        if name not in used.files:
            used.files.add(name)
            _read_file(name, used, scenario)


def _read_file(name: str, used: _Used, scenario: Scenario) -> None:
    if name in common.texts():
        _read(common.texts()[name], Mark(name, 1), False, used, scenario, ours=False)
        return
    path = scenario.folder / name
    if path.is_file() and path.resolve().is_relative_to(scenario.folder):
        shown = f"{scenario.folder.name}/{name}"
        _read(read_text(path, shown), Mark(shown, 1), False, used, scenario)


def _line_of(tree: nodes.Template, name: str, mark: Mark) -> Mark:
    lines = [node.lineno for node in tree.find_all(nodes.Name) if node.name == name]
    return Mark(mark.file, mark.line + min(lines, default=1) - 1)


def _optional(tree: nodes.Template) -> set[str]:
    """Names that a template asks for only if they are there: ``x | default(…)``, ``x is defined``."""
    found = set()
    for node in tree.find_all((nodes.Filter, nodes.Test)):
        wanted = ("default", "d") if isinstance(node, nodes.Filter) else ("defined", "undefined")
        if isinstance(node, nodes.Filter | nodes.Test) and node.name in wanted and isinstance(node.node, nodes.Name):
            found.add(node.node.name)
    return found


def _level_values(tree: nodes.Template) -> Iterator[tuple[str, str]]:
    """Give ``(factor, value)`` of each ``level.factor.value``; ``*`` where the value is worked out."""
    whole = {id(getattr(node, "node", None)) for node in tree.find_all((nodes.Getattr, nodes.Getitem)) if _step(node)}
    for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
        step, inner = _step(node), getattr(node, "node", None)
        factor = _step(inner) if isinstance(inner, nodes.Getattr | nodes.Getitem) else None
        if factor and _is_level(getattr(inner, "node", None)):
            yield factor, step or "*"
        elif step and _is_level(inner) and id(node) not in whole:
            yield step, "*"


def _step(node: Any) -> str | None:  # noqa: ANN401 - any syntax node
    if isinstance(node, nodes.Getattr):
        return node.attr
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        return str(node.arg.value)
    return None


def _is_level(node: Any) -> bool:  # noqa: ANN401
    return isinstance(node, nodes.Name) and node.name == "level"


def _included(tree: nodes.Template) -> Iterator[str]:
    for node in tree.find_all((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)):
        template = getattr(node, "template", None)
        if isinstance(template, nodes.Const) and isinstance(template.value, str):
            yield template.value
