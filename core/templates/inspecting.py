"""Template code, read without running it: what is not allowed, and what would only fail when somebody renders it.

The child process refuses the same when it renders; here it is told with its line, before anybody asks for the template.
Reading happens in the child too: texts can be made that take a parser very long.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from jinja2 import TemplateSyntaxError, nodes

from core.templates.dialect import Environment, environment, reads_inside, variables
from core.templates.form import nearest

LONGEST_LOOP = 10_000
MOST_ROUNDS = 1_000_000
LARGEST_NUMBER = 1_000_000
LARGEST_EXPONENT = 100

MUTATORS = frozenset(
    {"append", "clear", "extend", "insert", "pop", "popitem", "remove", "reverse", "setdefault", "sort", "update"}
)
OF_MAPPINGS = frozenset({"get", "items", "keys", "values"})

_FILES = "Write the text where it is needed; a template reads nothing but its answers."
_TAGS = {
    "include": _FILES,
    "import": _FILES,
    "from": _FILES,
    "extends": _FILES,
    "now": "Write the year out, or ask for it in a question: a template gives the same text every time.",
    "yield": "Write one file for each name.",
    "do": "Use {% set … %}.",
    "debug": "Remove it.",
    "break": "Select what to loop over with a filter, as in {% for x in list if … %}.",
    "trans": "Write the text itself.",
}
_UNKNOWN_TAG = re.compile(r"(?:unknown tag|the tag) '(\w+)'")
_WITH_NAMES = {"map": "filter", "select": "test", "reject": "test"}
_WITH_ATTRIBUTES = {"selectattr", "rejectattr", "groupby"}
_WITH_PATTERNS = {"regex_replace", "regex_search"}

Problem = tuple[int, str, str, str]
"""Line, code, message and hint."""


def inspect(request: Mapping[str, Any], tell: Callable[[str], None]) -> dict[str, Any]:
    """``problems`` as ``[index of the text, line, code, message, hint]`` for the ``texts`` of a request."""
    env = environment(request["envops"])
    problems: list[tuple[Any, ...]] = []
    for index, text in enumerate(request["texts"]):
        tell(text["place"])
        if text["is_pattern"]:
            found = [*_problems_of_pattern(text["text"], 1)]
        else:
            known = {*request["questions"][: text["upto"]], *text["extra"]}
            found = _Inspector(env, known, request["members"]).problems(text["text"])
        problems += [(index, *problem) for problem in found]
    return {"problems": problems}


class _Inspector:
    """Looks through one text; ``known`` are its variables, ``members`` the keys of those that are mappings."""

    def __init__(self, env: Environment, known: set[str], members: Mapping[str, Collection[str]]) -> None:
        self.env, self.known, self.members = env, known, members
        self.rules: dict[type[nodes.Node], Callable[[Any], Iterator[Problem]]] = {
            nodes.Filter: self._filter,
            nodes.Test: self._test,
            nodes.Getattr: self._attribute,
            nodes.Getitem: self._item,
            nodes.Call: self._call,
            nodes.Mul: self._product,
            nodes.Pow: self._power,
        }

    def problems(self, text: str) -> list[Problem]:
        """Everything that is wrong, each thing once."""
        try:
            tree = self.env.parse(text)
            found = [*self._walk(tree, 1)]
            return list(dict.fromkeys([*found, *self._unknown(text, tree)]))
        except TemplateSyntaxError as error:
            return [_syntax(error)]
        except RecursionError:
            return [(1, "depth", "The code is nested too deeply to be read.", "Split it.")]

    def _walk(self, node: nodes.Node, rounds: int) -> Iterator[Problem]:
        rule = self.rules.get(type(node))
        if rule:
            yield from rule(node)
        if isinstance(node, nodes.For):
            rounds *= max(_length(node.iter), 1)
            if rounds > MOST_ROUNDS:
                hint = "Loop over the answers."
                yield node.lineno, "loop", f"The loops run {rounds:,} times.", hint
                rounds = 1
        for child in node.iter_child_nodes():
            yield from self._walk(child, rounds)

    def _unknown(self, text: str, tree: nodes.Template) -> Iterator[Problem]:
        lines: dict[str, int] = {}
        for node in tree.find_all(nodes.Name):
            lines.setdefault(node.name, node.lineno)
        for name in sorted(variables(self.env, text) - self.known - self.env.globals.keys()):
            known = [one for one in self.known if not one.startswith("_")]
            hint = nearest(name, known) or "Ask for it in a question, or write {% raw %} around text that is no code."
            yield lines.get(name, 1), "unknown-variable", f"There is no question {name!r}.", hint

    def _filter(self, node: nodes.Filter) -> Iterator[Problem]:
        yield from self._known(node, node.name, "filter")
        constants = [one.value for one in node.args if isinstance(one, nodes.Const)]
        if any(isinstance(one, int) and abs(one) > LARGEST_NUMBER for one in constants):
            yield node.lineno, "size", f"The filter {node.name!r} would make a very long text.", "Use a smaller number."
        first = next((one for one in constants if isinstance(one, str)), None)
        if first is not None and node.name in _WITH_NAMES:
            yield from self._known(node, first, _WITH_NAMES[node.name])
        if first is not None and node.name in _WITH_PATTERNS:
            yield from _problems_of_pattern(first, node.lineno)
        named = [one.value for one in node.kwargs if one.key == "attribute"]
        attributes = [one.value for one in named if isinstance(one, nodes.Const)]
        for name in [*attributes, *([first] if node.name in _WITH_ATTRIBUTES else [])]:
            if any(part.startswith("_") for part in str(name).split(".")):
                yield self._hidden(node, str(name))

    def _known(self, node: nodes.Node, name: str, kind: str) -> Iterator[Problem]:
        known: Collection[str] = self.env.filters if kind == "filter" else self.env.tests
        if name not in known:
            hint = nearest(name, known) or _listed(f"Every {kind}", known)
            yield node.lineno, kind, f"There is no {kind} {name!r} here.", hint

    def _test(self, node: nodes.Test) -> Iterator[Problem]:
        yield from self._known(node, node.name, "test")

    def _attribute(self, node: nodes.Getattr) -> Iterator[Problem]:
        yield from self._member(node, node.node, node.attr)

    def _item(self, node: nodes.Getitem) -> Iterator[Problem]:
        if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
            yield from self._member(node, node.node, node.arg.value)

    def _member(self, node: nodes.Expr, owner: nodes.Expr, name: str) -> Iterator[Problem]:
        members = self.members.get(owner.name) if isinstance(owner, nodes.Name) else None
        if members is not None and isinstance(owner, nodes.Name):
            if name not in members and name not in OF_MAPPINGS:
                hint = nearest(name, members) or _listed("There are", members)
                yield node.lineno, "unknown-variable", f"There is no {owner.name}.{name}.", hint
        elif name.startswith("_"):
            yield self._hidden(node, name)

    def _hidden(self, node: nodes.Node, name: str) -> Problem:
        return node.lineno, "attribute", f"{name!r} begins with an underscore, which is not allowed.", "Remove it."

    def _call(self, node: nodes.Call) -> Iterator[Problem]:
        if _length(node) > LONGEST_LOOP:
            yield node.lineno, "loop", f"range() of {_length(node):,} numbers is too long.", "Loop over the answers."
        if not isinstance(node.node, nodes.Getattr):
            return
        method, owner = node.node.attr, node.node.node
        if method in MUTATORS:
            hint = "Make a new list, as in {% set list = list + [x] %}."
            yield node.lineno, "mutation", f"{method}() changes a value, which is not allowed.", hint
        elif method in ("format", "format_map"):
            text = owner.value if isinstance(owner, nodes.Const) else None
            if not isinstance(text, str) or reads_inside(text):
                yield node.lineno, "format", f"{method}() can read what is hidden.", "Join texts with ~ instead."

    def _product(self, node: nodes.Mul) -> Iterator[Problem]:
        for number, other in ((node.left, node.right), (node.right, node.left)):
            large = isinstance(number, nodes.Const) and isinstance(number.value, int) and number.value > LARGEST_NUMBER
            if large and not (isinstance(other, nodes.Const) and isinstance(other.value, int | float)):
                yield node.lineno, "size", "The multiplication would make a very long text.", "Use a smaller number."

    def _power(self, node: nodes.Pow) -> Iterator[Problem]:
        exponent = getattr(node.right, "value", None)
        if not isinstance(exponent, int | float) or abs(exponent) > LARGEST_EXPONENT:
            yield node.lineno, "size", "The power can be a very large number.", "Write the number out."


def _syntax(error: TemplateSyntaxError) -> Problem:
    message = error.message or "The code is not valid."
    if tag := _UNKNOWN_TAG.search(message):
        name = tag.group(1)
        return error.lineno, "tag", f"The tag {name!r} is not allowed.", _TAGS.get(name, "Remove it.")
    return error.lineno, "syntax", message, "Mend the line; write {% raw %} around text that is no template code."


def _length(node: nodes.Node) -> int:
    """How many rounds a loop over this takes, where that is written out; 0 where it is not."""
    if isinstance(node, nodes.List | nodes.Tuple):
        return len(node.items)
    if isinstance(node, nodes.Filter) and node.node is not None and node.name in ("list", "reverse", "sort"):
        return _length(node.node)
    is_range = isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name == "range"
    if not is_range or not isinstance(node, nodes.Call):
        return 0
    try:
        numbers = [one.as_const() for one in node.args]
        return len(range(*numbers))
    except OverflowError:
        return MOST_ROUNDS + 1
    except (nodes.Impossible, TypeError, ValueError):
        return 0


def _problems_of_pattern(pattern: str, line: int) -> Iterator[Problem]:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        yield line, "pattern", f"The pattern {pattern[:100]!r} is not valid: {error}.", "Write it as Python's re does."


def _listed(what: str, known: Collection[str]) -> str:
    return f"{what}: {', '.join(sorted(known))[:600]}."
