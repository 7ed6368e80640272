"""What somebody writes who wants a page to run it, in every text field that an entry has: for the tests of pages."""

from __future__ import annotations

import json
from typing import Any

RUN = "window.__pwned=1"
IMAGE = f"<img src=x onerror={RUN}>"
LINK = f"[go](javascript:{RUN})"
DIRECTIVE = ":red[loud]"
TITLE = f"{IMAGE} **bold** {LINK} {DIRECTIVE}"
TEXT = (
    f"<script>{RUN}</script> {TITLE} <svg onload={RUN}> <iframe srcdoc='<script>parent.{RUN}</script>'></iframe> "
    f"<a href='javascript:{RUN}'>x</a> ![](javascript:{RUN}) <javascript:{RUN}> $x^2$ :material/home: `code` ~~gone~~ "
    "&lt;b&gt; | a | <!-- gone --> <style>*{display:none}</style> {{7*7}} %(x)s"
)

ASSET: dict[str, Any] = {
    "apiVersion": "factory/v1",
    "kind": "asset",
    "metadata": {
        "name": "hostile", "title": f"Hostile {TITLE}"[:140], "description": TEXT, "tags": [":red:", "c++", "a:material:b"],
        "labels": {TITLE: TEXT}, "annotations": {TITLE: TEXT},
        "links": [{"url": f"https://example.org/?q=javascript:{RUN}", "title": TITLE, "icon": IMAGE, "type": IMAGE}],
    },
    "spec": {
        "owner": "risk", "lifecycle": "proposed", "version": "1.0_x_", "licence": IMAGE + LINK, "language": TITLE, "module": TITLE,
        "requires": [TEXT[:400]], "usage": {"language": "text", "code": f"{TEXT}\n```\n{TEXT}"},
        "inputs": [{"name": TITLE, "type": TITLE, "description": TEXT}], "outputs": [{"name": TITLE, "type": TITLE}],
        "versions": [{"version": "1.0_x_", "date": "2026-11-01", "notes": TEXT}, {"version": "0.9", "date": "2026-10-01", "notes": TITLE}],
        "dependsOn": ["asset:default/nothing_here_now"],
    },
}  # fmt: skip
"""An entry of ours."""

FOREIGN: dict[str, Any] = {
    "apiVersion": "example.backstage.io/v1",
    "kind": "Widget",
    "metadata": {"name": "hostile", "title": TITLE, "description": TEXT},
    "spec": {
        "owner": "risk", TITLE: TEXT, "usage": TEXT, "diagram": {"nodes": [{TITLE: TEXT}], "edges": TEXT}, "versions": TEXT, "records": [{TITLE: TEXT, "title": TITLE}],
        "lists": {TITLE: [TEXT]}, f"lists {TITLE}": {"a": [TEXT]}, "nested": [{TITLE: {TITLE: [{TITLE: TEXT}]}, "name": TITLE}],
        "alternatives": [{"classification": TITLE, TITLE: {TITLE: TEXT}}], "deep": {TITLE: {TITLE: {TITLE: TEXT}}},
    },
}  # fmt: skip
"""One of a kind that nobody knows: here the names of fields are a stranger's too."""

README = f"""\
# Hostile heading {IMAGE}

{TEXT}

<div onclick="{RUN}">raw</div>

<script>
{RUN}
</script>

[link](javascript:{RUN}) [tab](java&#9;script:{RUN}) [upper](JaVaScRiPt:{RUN}) [data](data:text/html,<script>{RUN}</script>)
[vb](vbscript:{RUN}) <javascript:{RUN}> ![image](javascript:{RUN}) [reference][1]

[1]: javascript:{RUN} "title"

| cell | <b>cell</b> |
|---|---|
| {IMAGE} | [x](javascript:{RUN}) |

- a list
  ```html
  <script>{RUN}</script>
  ```

> ```mermaid
> graph TD; A["<img src=x onerror={RUN}>"] --> B; click A "javascript:{RUN}"
> ```

```mermaid
graph TD; A["<img src=x onerror={RUN}>"]; click A call alert()
```

$$\\href{{javascript:{RUN}}}{{x}}$$ $\\html{{<img src=x onerror={RUN}>}}$

The last line of the README.
"""


def as_yaml(*documents: dict[str, Any]) -> str:
    """Documents as text that every importer reads: JSON is YAML."""
    return "\n---\n".join(json.dumps(one) for one in documents)
