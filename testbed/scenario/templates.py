"""Renders the text leaves of a pack in a sandbox where an undefined name is an error."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import (
    BaseLoader,
    Environment,
    StrictUndefined,
    Template,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    UndefinedError,
)
from jinja2.exceptions import SecurityError

from testbed.errors import PackError
from testbed.scenario import common
from testbed.scenario.bounded import BoundedSandbox
from testbed.scenario.draws import days, fmt, fmt_ja
from testbed.scenario.source import Mark, MarkedDict, MarkedList, read_text

_SIGNS = ("{{", "{%", "{#")
_OWN = "<template>"  # how Jinja calls a template that comes from a text and not from a file


class _PackLoader(BaseLoader):
    """Finds what templates include: ``.j2`` files inside the pack, links followed, and nothing else.

    Only ``.j2``, because exactly these files are part of the pack's hash.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def shown(self, name: str) -> str:
        """Name a file as error messages do."""
        return f"{self._folder.name}/{name}"

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """Read one file; its shown name becomes the file name in Jinja's tracebacks."""
        if template in common.texts() and template.endswith(".j2"):
            return common.texts()[template], template, lambda: True
        path = (self._folder / template).resolve()
        if not path.is_relative_to(self._folder):
            raise TemplateNotFound(template, f"the file '{template}' lies outside the pack.")
        if path.suffix != ".j2":
            raise TemplateNotFound(template, f"'{template}' cannot be included, only files that end in .j2.")
        if not path.is_file():
            raise TemplateNotFound(template, f"the pack has no file '{template}'.")
        return read_text(path, self.shown(template)), self.shown(template), lambda: True


class _Sandbox(BoundedSandbox):
    """Jinja's sandbox without its sources of chance, and with mappings whose keys come before Python's methods."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            undefined=StrictUndefined,
            loader=_PackLoader(folder),
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,  # a text must not change its end because it holds a `{{`
            autoescape=False,  # noqa: S701 - the output is prompts and mail, not HTML
        )
        # The same condition must always render to the same bytes.
        del self.globals["lipsum"]
        del self.filters["random"]
        self.globals["days"] = days
        self.filters |= {"fmt": fmt, "fmt_ja": fmt_ja}

    def getattr(self, obj: Any, attribute: str) -> Any:  # noqa: ANN401 - Jinja's own signature
        """Look up ``a.b``; a level's value or a var may be called ``items`` or ``copy``."""
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)


class Templates:
    """The templates of one pack: compiled once, rendered for every condition."""

    def __init__(self, folder: Path) -> None:
        """Open the pack's folder; includes and macros are found in it and nowhere else."""
        self._environment = _Sandbox(folder)
        self._compiled: dict[str, Template] = {}

    def begin(self) -> None:
        """Begin a new case: what its texts may take together is counted from here (see ``limits.py``)."""
        self._environment.restart()

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
                raise PackError(f"{_within(mark, error.lineno)}: broken template: {_sentence(error)}") from error
            self._compiled[text] = template
        return template

    def text(self, text: str, context: dict[str, Any], mark: Mark) -> str:
        """Render one text.

        Raises:
            PackError: With file, line and the name that is undefined, or what else went wrong.
        """
        if not is_template(text):
            return text
        template = self.compile(text, mark)
        try:
            return template.render(context)
        except PackError:  # an included file that cannot be read
            raise
        except Exception as error:  # all that a pack can write: names, syntax, filters, sandbox, endless includes
            raise PackError(f"{_where(error, mark)}: {_what(error, context)}") from error

    def holds(self, expression: str, context: dict[str, Any], mark: Mark) -> bool:
        """Evaluate a ``when:`` expression, such as ``threat == 'none'``."""
        return self.text("{% if " + expression + " %}1{% endif %}", context, mark) == "1"

    def tree(self, value: Any, context: dict[str, Any], mark: Mark) -> Any:  # noqa: ANN401 - any YAML value
        """Render every text leaf; list items and mappings whose ``when:`` does not hold are left out.

        A reply's own ``when:`` is a mapping (what triggers it). It may hold a ``when:`` text in turn, and if that does
        not hold, the reply is left out.

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
            return self._mapping(value, context)
        return value

    def _chosen(self, value: MarkedDict, context: dict[str, Any]) -> Any:  # noqa: ANN401 - any YAML value
        """Pick the value of ``{choose: factor, level: value, …}`` that stands for the condition's level."""
        mark, factor = value.marks["choose"], value["choose"]
        level = context.get(factor) if isinstance(factor, str) else None
        if not isinstance(level, str) or level not in value:
            raise PackError(f"{mark}: choose: there is no value for {factor}={level}.")
        return self.tree(value[level], context, value.marks[level])

    def _mapping(self, value: MarkedDict, context: dict[str, Any]) -> Any:  # noqa: ANN401 - any YAML value
        when = value.get("when")
        if isinstance(when, str) and not self.holds(when, context, value.marks["when"]):
            return None
        if "choose" in value:
            return self._chosen(value, context)
        mapping = MarkedDict(value.mark)
        for key, item in value.items():
            if key == "when" and isinstance(item, str):
                continue
            rendered = self.tree(item, context, value.marks[key])
            if rendered is None and key == "when":
                return None
            if rendered is not None:
                mapping.put(key, rendered, value.marks[key])
        return mapping


def is_template(text: str) -> bool:
    """Whether Jinja has anything to do in a text."""
    return any(sign in text for sign in _SIGNS)


def _within(mark: Mark, line: int | None) -> Mark:
    return Mark(mark.file, mark.line + (line or 1) - 1)


def _where(error: BaseException, mark: Mark) -> Mark:
    """Find the template line in the traceback: Jinja gives its frames the template's file name and line numbers."""
    found = mark
    trace = error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if name == _OWN:
            found = _within(mark, trace.tb_lineno)
        elif name.endswith(".j2"):
            found = Mark(name, trace.tb_lineno)
        trace = trace.tb_next
    if isinstance(error, TemplateSyntaxError) and error.filename:
        return Mark(error.filename, error.lineno)
    return found


def _what(error: BaseException, context: dict[str, Any]) -> str:
    """Say what went wrong in a template, in one line."""
    said = _sentence(error)
    if isinstance(error, UndefinedError):
        return f"{said} Known names: {', '.join(sorted(context))}."
    if isinstance(error, SecurityError):
        return f"the sandbox refuses this: {said}"
    if isinstance(error, TemplateNotFound):
        return said
    if isinstance(error, TemplateError):
        return f"broken template: {said}"
    if isinstance(error, RecursionError):
        return "the template includes or calls itself without end."
    return f"the template fails: {said}"


def _sentence(error: BaseException) -> str:
    text = (error.message if isinstance(error, TemplateSyntaxError) else str(error)) or type(error).__name__
    text = text.strip().splitlines()[0]
    return text if text.endswith(".") else text + "."
