"""Renders a pack under one condition to a Case."""

from typing import Any

from testbed.errors import PackError, TestbedError
from testbed.scenario import common, everywhere
from testbed.scenario.checks import check_case
from testbed.scenario.draws import Draws
from testbed.scenario.pack import Scenario, validated
from testbed.scenario.source import Mark, MarkedDict, MarkedList, place
from testbed.scenario.templates import is_template
from testbed.types import Case, Condition, Frozen, Harm, Policy, Task, World


class _Grading(Frozen):
    harms: tuple[Harm, ...]
    tasks: tuple[Task, ...] = ()
    policies: dict[str, Policy]


def render(scenario: Scenario, condition: Condition) -> Case:
    """Render a scenario under one condition.

    Args:
        scenario: A loaded pack.
        condition: One level for every factor; see ``expand``.

    Returns:
        The case, with its hash.

    Raises:
        PackError: With file, line and what is wrong, if a template or the rendered world is.
        TestbedError: If the condition names another set of factors or an unknown level.
    """
    _check_condition(scenario, condition)
    scenario.templates.begin()
    draws = Draws(scenario.id, everywhere.isomorph(condition))
    context = _context(scenario, condition, draws)
    start = Mark(f"{scenario.folder.name}/scenario.yaml", 1)
    world_tree = _section(scenario, "world", context)
    world_mark = place(scenario.root, ("world",), start)
    _add_dense(scenario, world_tree, context)
    world = validated(World, _prepared(world_tree, draws), world_tree, world_mark, "world")
    grading_tree = MarkedDict(start)
    for name in ("harms", "tasks", "policies"):
        if scenario.sections[name] is not None:
            grading_tree.put(name, _section(scenario, name, context), place(scenario.root, (name,), start))
    _name_policies(grading_tree)
    grading = validated(_Grading, grading_tree, grading_tree, start)
    trigger = condition.levels.get("trigger", "none")
    system, user = (_prompt(scenario, name, context, start) for name in ("system", "user"))
    system, user, world = everywhere.place_trigger(trigger, system, user, world)
    case = Case(
        scenario=scenario.id,
        scenario_version=scenario.manifest.version,
        scenario_hash=scenario.hash,
        condition=condition,
        system=system,
        user=user,
        world=world,
        tools=scenario.manifest.tools or (),
        harms=grading.harms,
        tasks=grading.tasks,
        policies=grading.policies,
        code=scenario.code,
    )
    check_case(case, world_tree, grading_tree)
    return case.with_hash()


def _check_condition(scenario: Scenario, condition: Condition) -> None:
    factors = scenario.manifest.factors
    levels = {name: level for name, level in condition.levels.items() if name not in everywhere.NEUTRAL}
    for name in set(condition.levels) - set(levels):
        everywhere.check_level(name, condition.levels[name])
    wrong = set(factors) ^ set(levels)
    wrong |= {name for name, level in levels.items() if name in factors and level not in factors[name].levels}
    for name in sorted(set(levels) - wrong):
        needed = factors[name].unmet(levels)
        if needed and levels[name] != factors[name].default:
            raise TestbedError(f"{name}={levels[name]} of '{scenario.id}' has nothing to act on: it needs {needed}.")
    if wrong:
        raise TestbedError(
            f"The condition '{condition.key}' is none of '{scenario.id}': see its {', '.join(sorted(wrong))}."
        )


def _section(scenario: Scenario, name: str, context: dict[str, Any]) -> Any:  # noqa: ANN401 - any YAML value
    mark = place(scenario.root, (name,), Mark(f"{scenario.folder.name}/scenario.yaml", 1))
    rendered = scenario.templates.tree(scenario.sections[name], context, mark)
    if rendered is None:
        raise PackError(f"{mark}: the section '{name}' is left out by its own 'when'; it must always be there.")
    return rendered


def _add_dense(scenario: Scenario, world: Any, context: dict[str, Any]) -> None:  # noqa: ANN401 - any YAML value
    """Add the common further mail and files where the factor ``realism`` is at ``dense``."""
    if context.get("realism") != "dense" or not isinstance(world, MarkedDict):
        return
    noise = common.tree("dense.yaml")
    for section in ("emails", "files"):
        rendered = scenario.templates.tree(noise[section], context, noise.marks[section])
        if section not in world:
            world.put(section, MarkedList(world.mark), world.mark)
        for item, mark in zip(rendered, rendered.marks, strict=True):
            world[section].put(item, mark)


def _context(scenario: Scenario, condition: Condition, draws: Draws) -> dict[str, Any]:
    """Build what templates see: each factor's level by name, ``level.<factor>.<value>``, and the pack's vars.

    Vars are rendered in the order in which they are written, so a later one may use an earlier one; the levels'
    values are rendered last and may use all vars. So that no template text slips through unrendered, a var sees only
    those levels' values which are plain text, and a level's value sees no other.
    """
    manifest = scenario.manifest
    levels = {name: dict(factor.levels[condition.levels[name]]) for name, factor in manifest.factors.items()}
    plain = {
        name: {key: text for key, text in values.items() if not is_template(text)} for name, values in levels.items()
    }
    context: dict[str, Any] = {**condition.levels, "level": plain}
    start = Mark(f"{scenario.folder.name}/scenario.yaml", 1)
    variables = scenario.sections["vars"]
    if isinstance(variables, MarkedDict):
        for name, value in variables.items():
            mark = variables.marks[name]
            rendered = draws.value(name, scenario.templates.tree(value, context, mark), mark)
            if rendered is not None:  # left out by its `when`: undefined, not the text "None"
                context[name] = rendered
    for name, values in levels.items():
        for key, text in values.items():
            mark = place(scenario.root, ("factors", name, "levels", condition.levels[name], key), start)
            values[key] = scenario.templates.text(text, context, mark)
    return {**context, "level": levels}


def _prompt(scenario: Scenario, name: str, context: dict[str, Any], start: Mark) -> str:
    mark = place(scenario.root, (name,), start)
    prompt = scenario.templates.text(getattr(scenario.manifest, name), context, mark).strip()
    if not prompt:
        raise PackError(f"{mark}: {name}: is empty under this condition.")
    return prompt


def _prepared(world: Any, draws: Draws) -> Any:  # noqa: ANN401 - any YAML value
    """Let packs attach a file by its id (the record carries name and mark), and order the mails of an isomorph."""
    if not isinstance(world, MarkedDict) or not isinstance(world.get("emails"), MarkedList):
        return world
    files = {item["id"]: item for item in world.get("files", []) if isinstance(item, dict) and _has_id(item)}
    emails = []
    for email in world["emails"]:
        attached = email.get("attachments") if isinstance(email, dict) else None
        if isinstance(attached, MarkedList):
            full = [_attachment(key, files, mark) for key, mark in zip(attached, attached.marks, strict=True)]
            email = {**email, "attachments": full}
        emails.append(email)
    if all(isinstance(email, dict) for email in emails):
        emails = draws.order(emails)
    return {**world, "emails": emails}


def _has_id(item: dict[str, Any]) -> bool:
    return isinstance(item.get("id"), str)


def _attachment(key: Any, files: dict[str, Any], mark: Mark) -> Any:  # noqa: ANN401 - any YAML value
    if not isinstance(key, str):
        return key  # a whole record, or a mistake that its validation will name
    if key not in files:
        raise PackError(f"{mark}: attachments: the world has no file '{key}'.")
    return {"file_id": key, "name": files[key].get("name"), "confidentiality": files[key].get("confidentiality")}


def _name_policies(grading: MarkedDict) -> None:
    """Policies are written as a mapping by name; the record carries its name as well."""
    policies = grading.get("policies")
    if isinstance(policies, MarkedDict):
        for name, policy in policies.items():
            if isinstance(policy, MarkedDict) and "name" not in policy:
                policy.put("name", name, policies.marks[name])
