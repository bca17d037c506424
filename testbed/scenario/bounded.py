"""A Jinja sandbox that also bounds what a template may cost: rounds of loops, sizes of values, time.

Jinja's own sandbox keeps a template away from Python; it does not keep it from running for ever or from filling the
memory. Here every loop, macro, block and template counts a step, and every operation that could make something large
out of something small is weighed before it is carried out.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from types import BuiltinMethodType, FunctionType, MethodType
from typing import Any

from jinja2 import Template, TemplateSyntaxError, nodes
from jinja2.runtime import Context, LoopContext, Macro, TemplateReference
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Cycler, Joiner, Namespace
from jinja2.visitor import NodeTransformer

from testbed.scenario import limits

_MAX_NUMBER = 10**12  # beyond this a number is no date, count or sum of money of a story
_MAX_WIDTH = 10_000  # columns, repeats and the like that a filter or method may be asked for
# A field of 1,000 columns and more, or one whose width is itself given as a value.
_WIDE_FORMAT = re.compile(r"%(?:\(\w*\))?[-+ #0_^]*(?:\d*\.)?(?:\d{4,}|\*)|\{[^{}]*(?:\d{4,}[^{}]*\}|\{)")
_MAX_PRODUCT = 20_000_000  # characters that one operation could make at most
_FORMATTERS = {"format", "format_map", "strftime", "fmt"}
# What templates work with and no text can show.
_MACHINERY: tuple[type, ...] = (Namespace, Cycler, Joiner, LoopContext, Macro, TemplateReference, Iterator)
_MACHINERY += (type, FunctionType, MethodType, BuiltinMethodType)
# The outcome of these can be as large as the product of what they are given.
_GROWING = {"replace", "join", "center", "ljust", "rjust", "zfill", "indent", "expandtabs", "translate", "wordwrap"}
_GROWING |= {"batch", "slice", "tojson"}
# For HTML, for debugging, or slow on large texts: nothing a pack needs.
_DROPPED_FILTERS = ("urlize", "xmlattr", "striptags", "pprint", "forceescape")


class LimitError(Exception):
    """A template that goes beyond a limit; the text says which."""


class Meter:
    """What the templates of one case have used up."""

    def __init__(self) -> None:
        """Start at nothing."""
        self.steps = self.chars = self.made = 0
        self.until = time.thread_time() + limits.SECONDS

    def step(self) -> None:
        """Count one round of a loop or one call.

        Raises:
            LimitError: If there were too many, or time is up.
        """
        self.steps += 1
        if self.steps > limits.STEPS:
            raise LimitError(f"its loops, macros and includes take more than {limits.STEPS:,} steps.")
        self.clock()

    def clock(self) -> None:
        """Look at the time.

        Raises:
            LimitError: If it is up.
        """
        if time.thread_time() > self.until:
            raise LimitError(f"it takes more than {limits.SECONDS:.0f} seconds.")

    def work(self, size: int) -> None:
        """Count characters and items that an operation made.

        Raises:
            LimitError: If there were too many, or time is up.
        """
        self.made += size
        if self.made > limits.CASE_WORK:
            raise LimitError(f"it makes more than {limits.CASE_WORK:,} characters on the way.")
        if size > 1000:
            self.clock()

    def write(self, chars: int) -> None:
        """Count rendered text.

        Raises:
            LimitError: If the case has grown too large.
        """
        self.chars += chars
        if self.chars > limits.CASE_CHARS:
            raise LimitError(f"the texts of one case have more than {limits.CASE_CHARS:,} characters.")


class _BoundedTemplate(Template):
    """Counts the text of each whole render."""

    def render(self, *args: Any, **kwargs: Any) -> str:  # noqa: ANN401 - Jinja's own signature
        environment: BoundedSandbox = self.environment  # type: ignore[assignment]
        text = super().render(*args, **kwargs)
        environment.meter.write(len(text))
        return text


class BoundedSandbox(ImmutableSandboxedEnvironment):
    """The sandbox; its meter runs until :meth:`restart`."""

    intercepted_binops = frozenset({"*", "**", "+", "%"})
    template_class = _BoundedTemplate

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Jinja's own signature
        """Make a sandbox as Jinja does, with every filter weighed."""
        super().__init__(*args, finalize=self.shown, **kwargs)
        self.meter = Meter()
        self.concat = _joined  # type: ignore[method-assign]
        for name in _DROPPED_FILTERS:
            self.filters.pop(name, None)
        self.filters = _WeighedFilters(self, self.filters)

    def restart(self) -> None:
        """Begin a new case."""
        self.meter = Meter()

    # --- called by compiled templates ---------------------------------------------------------------------------------

    def tick(self) -> str:
        """Count a step."""
        self.meter.step()
        return ""

    def held(self, value: Any) -> Any:  # noqa: ANN401 - any value of a template
        """Pass a value on if it is not too large."""
        self.meter.work(_weigh(value))
        return value

    def shown(self, value: Any) -> Any:  # noqa: ANN401
        """Pass a value on to be written into the text; only data can be, not the machinery of templates."""
        if isinstance(value, str | int | float | None):
            return self.held(value)
        if isinstance(value, _MACHINERY):
            raise LimitError("only texts, numbers, dates and lists can be written into a text.")
        return self.held(value)

    def tied(self, *values: Any) -> str:  # noqa: ANN401
        """Join values as ``~`` does."""
        return _joined([str(self.shown(value)) for value in values])

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401, B902, N805
        """Call something from a template, after a look at what it is asked for."""
        method = getattr(__obj, "__wrapped__", __obj)
        owner = getattr(method, "__self__", None)
        if owner is __self:  # tick, held and tied: no template can name them, only the compiler below
            return __obj(*args)
        if isinstance(owner, str):
            _weigh_call(getattr(method, "__name__", ""), (owner, *args), kwargs)
        else:
            _weigh((*args, *kwargs.values()))
        return __self.held(super().call(__context, __obj, *args, **kwargs))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401
        """Carry out ``+``, ``*``, ``**`` and ``%`` unless the outcome would be too large."""
        numbers = isinstance(left, int | float) and isinstance(right, int | float)
        if operator == "**" and not (numbers and abs(left) <= _MAX_NUMBER and abs(right) <= 64):
            raise LimitError("the power is too large.")
        if operator == "*" and not numbers and _factor(left) * _factor(right) > limits.TEXT_CHARS:
            raise LimitError("it repeats a text or a list too often.")
        if operator == "%" and isinstance(left, str):
            _check_format(left, right)
        if not numbers:
            _weigh((left, right))
        return self.held(super().call_binop(context, operator, left, right))

    # --- compiling ----------------------------------------------------------------------------------------------------

    def compile(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - Jinja's own signature
        """Compile, and take what is nested beyond Python's own limits for the syntax error that it is."""
        try:
            return super().compile(*args, **kwargs)
        except (RecursionError, MemoryError, SyntaxError, OverflowError, ValueError) as error:
            raise TemplateSyntaxError("it is nested too deeply, or no template at all.", 1) from error

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree: nodes.Template = _Instrument().visit(super()._parse(source, name, filename))
        return tree.set_environment(self)  # type: ignore[return-value]


class _Instrument(NodeTransformer):
    """Puts the counting and weighing into a template's syntax tree."""

    def visit_For(self, node: nodes.For) -> nodes.Node:
        return self._counted(node)

    visit_Macro = visit_CallBlock = visit_Block = visit_Template = visit_For

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return _own("tied", node.nodes, node.lineno)

    def visit_List(self, node: nodes.List | nodes.Dict) -> nodes.Node:
        self.generic_visit(node)
        return _own("held", [node], node.lineno)

    visit_Dict = visit_List

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:
        self.generic_visit(node)
        return _own("held", [node], node.lineno) if node.ctx == "load" else node

    def _counted(self, node: Any) -> nodes.Node:  # noqa: ANN401 - any node with a body
        self.generic_visit(node)
        node.body.insert(0, nodes.ExprStmt(_own("tick", [], node.lineno), lineno=node.lineno))
        return node  # type: ignore[no-any-return]


def _own(name: str, args: list[nodes.Expr], line: int) -> nodes.Call:
    """A call of a method of the sandbox."""
    function = nodes.EnvironmentAttribute(name, lineno=line)
    return nodes.Call(function, args, [], None, None, lineno=line)


class _WeighedFilters(dict[str, Callable[..., Any]]):
    """Filters by name; each is weighed before it is carried out, also one that is added later."""

    def __init__(self, sandbox: BoundedSandbox, filters: Mapping[str, Callable[..., Any]]) -> None:
        super().__init__()
        self._sandbox = sandbox
        for name, function in filters.items():
            self[name] = function

    def __setitem__(self, name: str, function: Callable[..., Any]) -> None:
        super().__setitem__(name, _weighed(self._sandbox, name, function))

    def __ior__(self, other: Any) -> "_WeighedFilters":  # type: ignore[override,misc] # noqa: ANN401
        for name, function in dict(other).items():
            self[name] = function
        return self


def _weighed(sandbox: BoundedSandbox, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    passed = 1 if hasattr(function, "jinja_pass_arg") else 0  # the environment or context comes first

    @wraps(function)
    def weighed(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - any filter
        sandbox.meter.clock()  # some are slow on large texts and give a small value
        _weigh_call(name, args[passed:], kwargs)
        return sandbox.held(function(*args, **kwargs))

    return weighed


def _weigh_call(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Refuse a filter or a text's method whose outcome could be far larger than what it is given."""
    values = (*args, *kwargs.values())
    _weigh(values)
    if name in _FORMATTERS:
        for value in values:
            if isinstance(value, str):
                _check_format(value, values)
    if name not in _GROWING:
        return
    if any(isinstance(value, int) and abs(value) > _MAX_WIDTH for value in values[1:]):
        raise LimitError(f"'{name}' is asked for more than {_MAX_WIDTH:,}.")
    product = 1
    for value in values:
        product *= max(1, _factor(value))
    if product > _MAX_PRODUCT:
        raise LimitError(f"'{name}' would make too large a text.")


def _check_format(text: str, values: Any) -> None:  # noqa: ANN401 - any value of a template
    if _WIDE_FORMAT.search(text):
        raise LimitError("a format asks for too wide a field.")
    if (text.count("{") + text.count("%")) * _size(values) > _MAX_PRODUCT:
        raise LimitError("a format would make too large a text.")


def _factor(value: Any) -> int:  # noqa: ANN401
    """Give what a value multiplies the size of an outcome by."""
    return abs(value) if isinstance(value, int) else _size(value)


def _weigh(value: Any) -> int:  # noqa: ANN401
    """Give a value's size, or refuse it."""
    if isinstance(value, int) and abs(value) > _MAX_NUMBER:
        raise LimitError("a number is too large.")
    size = _size(value)
    if size > limits.TEXT_CHARS:
        raise LimitError(f"a value has more than {limits.TEXT_CHARS:,} characters or items.")
    return size


def _size(value: Any) -> int:  # noqa: ANN401
    """Characters and items of a value, everything inside counted as often as it would be written out."""
    if isinstance(value, str):
        return len(value)
    left = [value]
    total = 0
    while left and total <= limits.TEXT_CHARS:
        item = left.pop()
        if isinstance(item, str | bytes | range):
            total += len(item)
        elif isinstance(item, Mapping):
            total += 1
            left += item.keys()
            left += item.values()
        elif isinstance(item, list | tuple | set | frozenset):
            total += 1
            left += item
        elif isinstance(item, Namespace):
            left.append(getattr(item, "_Namespace__attrs", {}))
            total += 1
        else:
            total += 1
    return total


def _joined(pieces: Iterable[str]) -> str:
    """Join rendered text as long as it is not too long."""
    kept: list[str] = []
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > limits.TEXT_CHARS:
            raise LimitError(f"it renders to more than {limits.TEXT_CHARS:,} characters.")
        kept.append(piece)
    return "".join(kept)
