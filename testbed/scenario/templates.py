"""Renders the text leaves of a pack in a sandbox where an undefined name is an error."""

from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, Template, TemplateError, TemplateSyntaxError, UndefinedError
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from testbed.errors import PackError
from testbed.scenario.source import Mark, MarkedDict, MarkedList

_SIGNS = ("{{", "{%", "{#")


class Templates:
    """The templates of one pack: compiled once, rendered for every condition."""

    def __init__(self, folder: Path) -> None:
        """Open the pack's folder; includes and macros are found in it and nowhere else."""
        self._environment = ImmutableSandboxedEnvironment(
            undefined=StrictUndefined,
            loader=FileSystemLoader(folder),
            trim_blocks=True,
            lstrip_blocks=True,
            autoescape=False,  # noqa: S701 - the output is prompts and mail, not HTML
        )
        self._compiled: dict[str, Template] = {}

    def compile(self, text: str, mark: Mark) -> Template:
        """Compile a text, or say where its syntax is wrong.

        Raises:
            PackError: With file, line and what Jinja says.
        """
        template = self._compiled.get(text)
        if template is None:
            try:
                template = self._environment.from_string(text)
            except TemplateSyntaxError as error:
                raise PackError(f"{_within(mark, error.lineno)}: broken template: {error.message}.") from error
            self._compiled[text] = template
        return template

    def text(self, text: str, context: dict[str, Any], mark: Mark) -> str:
        """Render one text.

        Raises:
            PackError: With file, line and the name that is undefined, or what else went wrong.
        """
        if not any(sign in text for sign in _SIGNS):
            return text
        template = self.compile(text, mark)
        try:
            return template.render(context)
        except UndefinedError as error:
            known = ", ".join(sorted(context))
            where = _within(mark, _line_of(error))
            raise PackError(f"{where}: {_sentence(error)} Known names: {known}.") from error
        except SecurityError as error:
            raise PackError(
                f"{_within(mark, _line_of(error))}: the sandbox refuses this: {_sentence(error)}"
            ) from error
        except TemplateError as error:
            raise PackError(f"{_within(mark, _line_of(error))}: broken template: {_sentence(error)}") from error
        except Exception as error:  # a filter or an operator that does not fit its values, anything the pack wrote
            raise PackError(f"{_within(mark, _line_of(error))}: the template fails: {_sentence(error)}") from error

    def holds(self, expression: str, context: dict[str, Any], mark: Mark) -> bool:
        """Evaluate a ``when:`` expression, such as ``threat == 'none'``."""
        return self.text("{% if " + expression + " %}1{% endif %}", context, mark) == "1"

    def tree(self, value: Any, context: dict[str, Any], mark: Mark) -> Any:  # noqa: ANN401 - any YAML value
        """Render every text leaf; list items and mappings whose ``when:`` does not hold are left out.

        Returns:
            The same kind of tree, with the places kept. A mapping that is left out gives ``None``.
        """
        if isinstance(value, str):
            return self.text(value, context, mark)
        if isinstance(value, MarkedList):
            items = MarkedList(value.mark)
            for item, item_mark in zip(value, value.marks, strict=True):
                rendered = self.tree(item, context, item_mark)
                if rendered is not None:
                    items.put(rendered, item_mark)
            return items
        if isinstance(value, MarkedDict):
            if "when" in value and isinstance(value["when"], str):
                if not self.holds(value["when"], context, value.marks["when"]):
                    return None
            mapping = MarkedDict(value.mark)
            for key, item in value.items():
                if key == "when" and isinstance(item, str):
                    continue
                rendered = self.tree(item, context, value.marks[key])
                if rendered is not None:
                    mapping.put(key, rendered, value.marks[key])
            return mapping
        return value


def _within(mark: Mark, line: int | None) -> Mark:
    return Mark(mark.file, mark.line + (line or 1) - 1)


def _line_of(error: BaseException) -> int | None:
    """Find the template line in the traceback: Jinja gives its frames the template's line numbers."""
    line = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _sentence(error: BaseException) -> str:
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return text if text.endswith(".") else text + "."
