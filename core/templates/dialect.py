"""What a template may say: Jinja in a sandbox, with tags, filters, tests and globals from short lists.

Whatever reads the environment, the clock, chance, the network or another file is not on the lists: a template gives the
same text for the same answers, wherever it runs. Everything here happens in the child process.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, NoReturn
from urllib.parse import parse_qsl, urlsplit

import jinja2
from jinja2 import meta, nodes, parser
from jinja2.exceptions import SecurityError
from jinja2.runtime import LoopContext, Macro, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from core.templates.form import cast_to_bool

DELIMITERS = (
    "block_start_string", "block_end_string", "variable_start_string", "variable_end_string",
    "comment_start_string", "comment_end_string",
)  # fmt: skip
SWITCHES = ("trim_blocks", "lstrip_blocks", "keep_trailing_newline")

BUILTIN_FILTERS = (
    "abs", "batch", "capitalize", "center", "count", "d", "default", "dictsort", "e", "escape", "filesizeformat", "first",
    "float", "forceescape", "format", "groupby", "indent", "int", "items", "join", "last", "length", "list", "lower", "map",
    "max", "min", "reject", "rejectattr", "replace", "reverse", "round", "safe", "select", "selectattr", "slice", "sort",
    "string", "striptags", "sum", "title", "tojson", "trim", "truncate", "unique", "upper", "urlencode", "urlize",
    "wordcount", "wordwrap", "xmlattr",
)  # fmt: skip
BUILTIN_TESTS = (
    "boolean", "defined", "divisibleby", "eq", "equalto", "==", "escaped", "even", "false", "float", "ge", "gt",
    "greaterthan", "in", "integer", "iterable", "le", "lessthan", "lower", "lt", "mapping", "ne", "!=", ">", ">=", "<",
    "<=", "none", "number", "odd", "sameas", "sequence", "string", "true", "undefined", "upper",
)  # fmt: skip

LONGEST = 1_000_000
"""The most characters or items that one multiplication may give, and the most bits of one power."""

_PLAIN = (str, int, float, bool, list, tuple, dict, type(None), LoopContext, Macro, Namespace, Undefined)
_PIECE = re.compile(r"\{[^{}]*[.\[]\s*_")


class Stopped(Exception):
    """The template reached one of the walls."""

    def __init__(self, wall: str) -> None:
        super().__init__(wall)
        self.wall = wall


class Environment(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, narrowed to plain values, without other files, and without what grows in one step."""

    intercepted_binops = frozenset({"*", "**"})

    def __init__(self, **options: Any) -> None:
        super().__init__(undefined=jinja2.StrictUndefined, **{"keep_trailing_newline": True} | options)
        self.filters = {name: self.filters[name] for name in BUILTIN_FILTERS} | FILTERS
        self.tests = {name: self.tests[name] for name in BUILTIN_TESTS}
        self.globals = {name: self.globals[name] for name in ("range", "dict", "namespace")} | {"pathjoin": _path_join}

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        return _Parser(self, source, name, filename).parse()

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Only what plain values have, and nothing that begins with an underscore."""
        return isinstance(obj, _PLAIN) and not attr.startswith("_") and super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Multiply, unless the result would fill the memory."""
        if operator == "**" and isinstance(left, int) and isinstance(right, int):
            too_large = left.bit_length() * abs(right) > LONGEST
        else:
            too_large = operator == "*" and _size_of_product(left, right) > LONGEST
        if too_large:
            raise SecurityError(f"'{operator}' would give something very large")
        return super().call_binop(context, operator, left, right)


class _Parser(parser.Parser):
    """A parser that knows no tag which reads another file."""

    def _refuse(self, *_: Any) -> NoReturn:
        self.fail(f"the tag '{self.stream.current.value}' reads another file, which is not allowed")

    parse_include = parse_import = parse_from = parse_extends = _refuse


def environment(options: Mapping[str, Any]) -> Environment:
    """The environment of a template with these delimiters and switches."""
    return Environment(**{key: options[key] for key in (*DELIMITERS, *SWITCHES) if key in options})


def variables(env: Environment, text: str) -> frozenset[str]:
    """The variables a text reads and does not set; none if it is not valid, which shows when it is rendered."""
    try:
        return frozenset(meta.find_undeclared_variables(env.parse(text)))
    except (jinja2.TemplateError, RecursionError):
        return frozenset()


def reads_inside(text: str) -> bool:
    """Whether a format string such as ``{0._x}`` asks for something behind an underscore."""
    return _PIECE.search(text) is not None


def _size_of_product(left: Any, right: Any) -> int:
    if isinstance(left, int) and isinstance(right, int):
        return 0 if left.bit_length() + right.bit_length() < LONGEST else LONGEST + 1
    sized, times = (right, left) if isinstance(left, int) else (left, right)
    return len(sized) * max(times, 0) if isinstance(sized, str | list | tuple) and isinstance(times, int) else 0


def _path_join(*parts: str, mode: str = "posix") -> str:
    return str((PureWindowsPath if mode == "windows" else PurePosixPath)(*parts))


def _to_yaml(value: Any, *, default_flow_style: bool | None = None, **options: Any) -> str:
    """As copier gives it, byte by byte: answers files are compared."""
    import yaml  # a look at a form does not pay for it

    chosen = {key: options[key] for key in ("indent", "width", "sort_keys") if key in options}
    return str(yaml.safe_dump(value, allow_unicode=True, default_flow_style=default_flow_style, **chosen))


def _to_nice_yaml(value: Any, indent: int = 4, **options: Any) -> str:
    return _to_yaml(value, **options | {"indent": indent, "default_flow_style": False})


def _to_json(value: Any, **options: Any) -> str:
    return json.dumps(value, **{key: options[key] for key in ("indent", "sort_keys", "ensure_ascii") if key in options})


def _to_nice_json(value: Any, indent: int = 4, sort_keys: bool = True) -> str:
    return json.dumps(value, indent=indent, sort_keys=sort_keys, separators=(",", ": "))


def _slugify(value: Any, separator: str = "-", **_: Any) -> str:
    """Lower-case ASCII words with ``separator`` between them."""
    plain = unicodedata.normalize("NFKD", str(value)).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", separator, plain.replace("'", "")).strip(separator)


def _quote(value: Any) -> str:
    import shlex  # a look at a form does not pay for it

    return shlex.quote(str(value))


def _regex_replace(value: Any, pattern: str, replacement: str = "", ignorecase: bool = False) -> str:
    return re.sub(pattern, replacement, str(value), flags=re.IGNORECASE if ignorecase else 0)


def _regex_search(value: Any, pattern: str, ignorecase: bool = False, multiline: bool = False) -> str | None:
    flags = (re.IGNORECASE if ignorecase else 0) | (re.MULTILINE if multiline else 0)
    found = re.search(pattern, str(value), flags)
    return found.group() if found else None


def _ternary(value: Any, yes: Any, no: Any, none: Any = None) -> Any:
    return none if value is None and none is not None else yes if value else no


def _parse_repo_url(value: str) -> dict[str, str]:
    """Backstage writes ``github.com?owner=o&repo=r``, people write ``https://github.com/o/r``."""
    address = urlsplit(value if "://" in value else f"https://{value}")
    found = {"host": address.hostname or ""} | dict(parse_qsl(address.query))
    parts = [part for part in address.path.removesuffix(".git").split("/") if part]
    return (dict(zip(("owner", "repo"), parts[-2:], strict=False)) if len(parts) > 1 else {}) | found


FILTERS: dict[str, Callable[..., Any]] = {
    "bool": cast_to_bool,
    "dump": _to_json,
    "from_json": json.loads,
    "jsonify": lambda value, indent=4: json.dumps(value, sort_keys=True, indent=indent),
    "parseRepoUrl": _parse_repo_url,
    "pick": lambda value, key: value[key],
    "quote": _quote,
    "regex_replace": _regex_replace,
    "regex_search": _regex_search,
    "slugify": _slugify,
    "ternary": _ternary,
    "to_json": _to_json,
    "to_nice_json": _to_nice_json,
    "to_nice_yaml": _to_nice_yaml,
    "to_yaml": _to_yaml,
}
"""The filters that are not Jinja's own: pure ones of copier, cookiecutter and Backstage."""
