"""Which factors each part of a pack depends on, read off the unrendered templates: what a factor may change.

A part depends on a factor if its own text, its ``when:`` or ``choose:``, one of the lists around it, or a var or level
value that it uses names the factor.
"""

from collections import defaultdict

from jinja2 import Environment, meta, nodes
from packs.neighbourhood import pack

from testbed.errors import TestbedError
from testbed.scenario import common
from testbed.scenario.draws import Draws
from testbed.scenario.render import _context

KEYS = ("id", "email")  # what the items of the world's lists are known by


class Sources:
    """The dependencies of one pack."""

    def __init__(self, name):
        self.scenario = pack(name)
        self.factors = self.scenario.manifest.factors
        self._environment = Environment()
        self._environment.filters |= dict.fromkeys(("fmt", "fmt_ja"), str)
        self._known = {}
        self.vars = self.scenario.sections["vars"] or {}
        self._contexts = {}
        self.items = defaultdict(set)  # (section, id as written): factors of all sources with it
        world = self.scenario.sections["world"]
        self.world = {field: self.of(value) for field, value in world.items()}
        for field, value in world.items():
            self._collect(field, value, set())

    def prompt(self, name):
        """Factors that a prompt depends on."""
        return self.of(getattr(self.scenario.manifest, name))

    def of(self, value):
        """Factors that a piece of a tree depends on."""
        return self._resolved(self._names(value))

    def item(self, field, key, conditions):
        """Factors that an item of the world depends on, in any of the versions that its id has."""
        found = set()
        for (of, written), factors in self.items.items():
            if of == field and any(key == self._key(written, condition) for condition in conditions):
                found |= factors
        return found

    def _key(self, written, condition):
        """An id or address as it is rendered; one that cannot be rendered is not there in this condition."""
        if "{" not in written:
            return written
        self.scenario.templates.begin()
        if condition.key not in self._contexts:
            draws = Draws(self.scenario.id, 0)
            self._contexts[condition.key] = _context(self.scenario, condition, draws)
        try:
            return self.scenario.templates.text(written, self._contexts[condition.key], self.scenario.root.mark)
        except TestbedError:
            return None

    def _collect(self, field, value, around):
        """Walk to the items of a list, through choices of whole lists or items."""
        if isinstance(value, dict) and "choose" in value:
            for part in value.values():
                self._collect(field, part, around | self._resolved({value["choose"]}))
        elif isinstance(value, list):
            for part in value:
                self._collect(field, part, around)
        elif isinstance(value, dict):
            key = next((value[name] for name in KEYS if name in value), None)
            if isinstance(key, str):
                self.items[field, key] |= around | self.of(value)

    def _names(self, value):
        """Names that templates in a tree use: vars, factors, and ``level.X`` as X."""
        if isinstance(value, str):
            return self._in_text(value)
        if isinstance(value, list):
            return set().union(*map(self._names, value))
        if isinstance(value, dict):
            found = {value["choose"]} if "choose" in value else set()
            for key, part in value.items():
                expression = key == "when" and isinstance(part, str)
                found |= self._names("{% if " + part + " %}{% endif %}" if expression else part)
            return found
        return set()

    def _in_text(self, text):
        if "{" not in text:
            return set()
        if text not in self._known:
            self._known[text] = set()  # a file that includes itself adds nothing
            tree = self._environment.parse(text)
            found = meta.find_undeclared_variables(tree) - {"level"}
            for node in tree.find_all(nodes.Getattr):
                if isinstance(node.node, nodes.Name) and node.node.name == "level":
                    found |= {node.attr, f"level.{node.attr}"}
            for included in meta.find_referenced_templates(tree):
                found |= self._in_text(self._file(included))
            self._known[text] = found
        return self._known[text]

    def _file(self, name):
        if name.startswith("common/"):
            return common.texts()[name]
        return (self.scenario.folder / name).read_text("utf-8")

    def _resolved(self, names):
        """Follow vars and level values to the factors behind them."""
        seen, todo = set(), list(names)
        while todo:
            name = todo.pop()
            if name in seen:
                continue
            seen.add(name)
            if name in self.vars:
                todo += self._names(self.vars[name])
            elif name.startswith("level.") and name[6:] in self.factors:
                todo += self._names(self.factors[name[6:]].levels)
        return seen & set(self.factors)
