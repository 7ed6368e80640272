"""Every benchmark, one after the other: ``python -m tests.bench [name …]``."""

from __future__ import annotations

import subprocess
import sys

BENCHMARKS = {
    "search": "P1 search with facets",
    "load": "P2 catalog load",
    "portfolio": "P3 project portfolio",
    "pages": "P4 page reruns",
    "sync": "P5 model mirror",
    "gate": "P6 answer of the gate",
    "scaffold": "P7 scaffold of a template",
    "start": "P9 cold start",
    "reuse": "C5 reuse review",
}


def main() -> int:
    """Run each benchmark in a process of its own, so that none warms up another."""
    chosen = sys.argv[1:] or list(BENCHMARKS)
    failed = 0
    for name in chosen:
        print(f"\n{BENCHMARKS[name]}", flush=True)
        failed |= subprocess.run([sys.executable, "-m", f"tests.bench.{name}"], check=False).returncode
    return failed


if __name__ == "__main__":
    sys.exit(main())
