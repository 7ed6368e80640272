"""P7: a project from a template, behind walls and checked twice, against ``copier copy`` of the same template.

Both are started as processes, in turn. A look at the form, which a person waits for, is told beside them.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from core.config import ROOT
from core.templates import rendering
from core.templates.snapshot import from_folder
from tests.bench import measuring

ROUNDS = 7
SHIPPED = ROOT / "catalog" / "templates" / "batch-pipeline" / "template"
FOREIGN = ROOT / "tests" / "core" / "templates" / "foreign" / "copier-library"


def main() -> int:
    """Measure and print."""
    folder = SHIPPED if SHIPPED.is_dir() else FOREIGN
    answers = {} if folder == SHIPPED else {"project_name": "churn"}
    snapshot = from_folder(folder)
    copier, ours, looks = [], [], []
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as below:
        command = [sys.executable, "-m", "copier", "copy", "--defaults", "--skip-tasks", "--quiet"]
        command += [part for name, value in answers.items() for part in ("--data", f"{name}={value}")]

        def by_copier() -> None:
            subprocess.run([*command, str(folder), str(Path(below, str(len(copier))))], check=True, cwd=below)

        def by_us() -> None:
            rendering.render(snapshot, answers, source="bench", commit="0", manifest={}).to_zip()

        for one in range(ROUNDS + 1):
            took = (measuring.seconds(by_copier), measuring.seconds(by_us))
            look = measuring.seconds(lambda: rendering.resolve(snapshot, answers))
            copier.append(took[0])
            if one:  # the first round warms the disk cache
                ours.append(took[1])
                looks.append(look)
    row = {
        "files": len(snapshot.files),
        "copier copy s": measuring.median(copier[1:]),
        "render and zip s": measuring.median(ours),
        "render/copier": measuring.median(ours) / measuring.median(copier[1:]),
        "look at the form s": measuring.median(looks),
    }
    measuring.report("scaffold", [row])
    print("Goal: at most 1.5.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
