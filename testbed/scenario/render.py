"""Renders a pack under one condition to a Case."""

from typing import Any

from testbed.errors import PackError
from testbed.scenario.pack import Scenario, validated
from testbed.scenario.source import Mark, MarkedDict, MarkedList, place
from testbed.types import Case, Condition, Frozen, Harm, Policy, World


class _Grading(Frozen):
    harms: tuple[Harm, ...]
    policies: dict[str, Policy]


def render(scenario: Scenario, condition: Condition) -> Case:
    """Render a scenario under one condition.

    Args:
        scenario: A loaded pack.
        condition: One level for every factor; see ``conditions``.

    Returns:
        The case, with its hash.

    Raises:
        PackError: With file, line and what is wrong, if a template or the rendered world is.
    """
    context = _context(scenario, condition)
    start = Mark(f"{scenario.folder.name}/scenario.yaml", 1)
    templates, sections = scenario.templates, scenario.sections
    world_tree = templates.tree(sections["world"], context, start)
    world = validated(World, _with_attachments(world_tree, start), world_tree, start)
    grading_tree = MarkedDict(start)
    for name in ("harms", "policies"):
        rendered = templates.tree(sections[name], context, start)
        grading_tree.put(name, rendered, place(scenario.root, (name,), start))
    _name_policies(grading_tree)
    grading = validated(_Grading, grading_tree, grading_tree, start)
    case = Case(
        scenario=scenario.id,
        scenario_version=scenario.manifest.version,
        scenario_hash=scenario.hash,
        condition=condition,
        system=_prompt(scenario, "system", context, start),
        user=_prompt(scenario, "user", context, start),
        world=world,
        tools=scenario.manifest.tools or (),
        harms=grading.harms,
        policies=grading.policies,
    )
    _check(case, start)
    return case.with_hash()


def _context(scenario: Scenario, condition: Condition) -> dict[str, Any]:
    """Build what templates see: each factor's level by name, ``level.<factor>.<value>``, and the pack's vars.

    Vars are rendered in the order in which they are written, so a later one may use an earlier one; the levels'
    values are rendered last and may use all vars.
    """
    manifest = scenario.manifest
    levels = {name: dict(factor.levels[condition.levels[name]]) for name, factor in manifest.factors.items()}
    context: dict[str, Any] = {**condition.levels, "level": levels}
    start = Mark(f"{scenario.folder.name}/scenario.yaml", 1)
    variables = scenario.sections["vars"]
    if isinstance(variables, MarkedDict):
        for name, value in variables.items():
            context[name] = scenario.templates.tree(value, context, variables.marks[name])
    for name, values in levels.items():
        for key, text in values.items():
            mark = place(scenario.root, ("factors", name, "levels", condition.levels[name], key), start)
            values[key] = scenario.templates.text(text, context, mark)
    return context


def _prompt(scenario: Scenario, name: str, context: dict[str, Any], start: Mark) -> str:
    mark = place(scenario.root, (name,), start)
    return scenario.templates.text(getattr(scenario.manifest, name), context, mark).strip()


def _with_attachments(world: Any, start: Mark) -> Any:  # noqa: ANN401 - any YAML value
    """Let packs attach a file by its id; the record carries its name and confidentiality mark."""
    if not isinstance(world, MarkedDict) or not isinstance(world.get("emails"), MarkedList):
        return world
    files = {item["id"]: item for item in world.get("files", []) if isinstance(item, dict) and "id" in item}
    emails = []
    for email, mark in zip(world["emails"], world["emails"].marks, strict=True):
        attached = email.get("attachments") if isinstance(email, dict) else None
        if isinstance(attached, list):
            for file_id in attached:
                if file_id not in files:
                    raise PackError(f"{mark}: attachments: the world has no file '{file_id}'.")
            kept = ("name", "confidentiality")
            full = [{"file_id": key, **{part: files[key].get(part) for part in kept}} for key in attached]
            email = {**email, "attachments": full}
        emails.append(email)
    return {**world, "emails": emails}


def _name_policies(grading: MarkedDict) -> None:
    """Policies are written as a mapping by name; the record carries its name as well."""
    policies = grading.get("policies")
    if isinstance(policies, MarkedDict):
        for name, policy in policies.items():
            if isinstance(policy, MarkedDict) and "name" not in policy:
                policy.put("name", name, policies.marks[name])


def _check(case: Case, start: Mark) -> None:
    """Hold what no single field can: ids are unique, and harms and policies name each other rightly."""
    ids = [email.id for email in case.world.emails] + [file.id for file in case.world.files]
    doubled = sorted({item for item in ids if ids.count(item) > 1})
    if doubled:
        raise PackError(f"{start}: world: the ids {', '.join(doubled)} are used more than once.")
    harms = {harm.id for harm in case.harms}
    for harm in case.harms:
        if harm.policy not in case.policies:
            raise PackError(f"{start}: harms.{harm.id}.policy: there is no policy '{harm.policy}'.")
    for policy in case.policies.values():
        if set(policy.expect) != harms:
            raise PackError(f"{start}: policies.{policy.name}.expect: must name each harm: {', '.join(sorted(harms))}.")
