"""Steps for pipelines that ask the gate, ready to paste: they end with an error unless the answer is an explicit yes.

Whatever else comes (nothing, a page, a redirect, a verdict about another version, a word instead of ``true``) is a no. The
token reaches ``curl`` by its standard input, where no list of processes shows it.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from textwrap import indent
from typing import Literal

ASK = """\
set -eu
: "${PORTAL_URL:?}" "${PORTAL_TOKEN:?}" "${MODEL:?}" "${VERSION:?}" "${ENVIRONMENT:?}"
answer=$(mktemp); trap 'rm -f "$answer"' EXIT
path=$(jq -nr --arg m "$MODEL" --arg v "$VERSION" --arg e "$ENVIRONMENT" '"\\($m|@uri)/\\($v|@uri)?environment=\\($e|@uri)"')
status=$(printf 'header = "Authorization: Bearer %s"\\n' "$PORTAL_TOKEN" | curl --config - --silent --show-error \\
  --max-time 30 --output "$answer" --write-out '%{http_code}' "${PORTAL_URL%/}/api/v1/gates/$path")
[ "$status" = 200 ] || { echo "gate: unknown, the portal answered with status $status" >&2; exit 2; }
jq -r '"gate: \\(.verdict)", (.reasons[] | "  \\(.text) (\\(.code))")' "$answer"
jq -es --arg m "$MODEL" --arg v "$VERSION" --arg e "$ENVIRONMENT" \\
  'length == 1 and (.[0] | .allowed == true and .model == $m and .version == $v and .environment == $e)' "$answer" > /dev/null
"""
"""What every step runs, in any POSIX shell with ``curl`` and ``jq``; without ``-s``, ``jq -e`` takes an empty answer for a yes."""


@dataclass(frozen=True)
class Step:
    """A step of one kind of pipeline."""

    title: str
    language: Literal["sh", "yaml"]
    code: str
    note: str
    """What it takes before it runs."""


def steps(model: str, *, portal: str, environment: str = "production") -> list[Step]:
    """The steps that ask whether a version of ``model`` may go to ``environment``; ``portal`` is the portal's address."""
    return [
        Step("Shell", "sh", _shell(model, portal, environment), "Set PORTAL_TOKEN and VERSION before it."),
        Step(
            "GitHub Actions", "yaml", _github(model, portal, environment),
            "Keep the token as the secret PORTAL_TOKEN; MODEL_VERSION comes from an earlier step.",
        ),
        Step(
            "Azure Pipelines", "yaml", _azure(model, portal, environment),
            "Keep the token as the secret variable PORTAL_TOKEN; MODEL_VERSION comes from an earlier step.",
        ),
    ]  # fmt: skip


def _shell(model: str, portal: str, environment: str) -> str:
    given = {"PORTAL_URL": portal, "MODEL": model, "ENVIRONMENT": environment}
    return "\n".join(f"{name}={shlex.quote(value)}" for name, value in given.items()) + "\n" + ASK


def _github(model: str, portal: str, environment: str) -> str:
    plain = _text(model).replace("${{", "${{ '${{' }}")  # else GitHub would evaluate what a name says
    return f"""\
- name: Ask the gate
  shell: bash
  env:
    PORTAL_URL: {_text(portal)}
    PORTAL_TOKEN: ${{{{ secrets.PORTAL_TOKEN }}}}
    MODEL: {plain}
    VERSION: ${{{{ env.MODEL_VERSION }}}}
    ENVIRONMENT: {environment}
  run: |
{indent(ASK, "    ")}"""


def _azure(model: str, portal: str, environment: str) -> str:
    return f"""\
- bash: |
{indent(ASK, "    ")}  displayName: Ask the gate
  env:
    PORTAL_URL: {_text(portal)}
    PORTAL_TOKEN: $(PORTAL_TOKEN)
    MODEL: {_text(model)}
    VERSION: $(MODEL_VERSION)
    ENVIRONMENT: {environment}
"""


def _text(value: str) -> str:
    """``value`` as YAML reads it back, whatever it holds."""
    return json.dumps(value, ensure_ascii=False)
