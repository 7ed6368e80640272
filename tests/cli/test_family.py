"""The processes of ``serve``, with small programs in their place: who starts again, what is told, and who goes last."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core.config import ROOT
from tests import serving

HEAD = """
import os, signal, sys, time
from core.cli import children, family
from core.cli.family import Family

def python(code):
    return [sys.executable, "-S", "-c", code]

LONG = python("import time; time.sleep(60)")
members = Family()
"""


def run(script: str, data: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", HEAD + script], cwd=ROOT, env=serving.environment(data),
        capture_output=True, text=True, timeout=180,
    )  # fmt: skip


def test_a_signal_before_anything_is_started_is_not_lost(tmp_path: Path) -> None:
    ended = run(
        """
os.kill(os.getpid(), signal.SIGTERM)
members.start("portal", python("print('started')"))
sys.exit(members.wait_for("portal"))
""",
        tmp_path,
    )
    assert (ended.returncode, ended.stdout) == (0, "")


def test_the_exit_code_of_the_portal_is_that_of_all_and_is_told(tmp_path: Path) -> None:
    ended = run(
        """
members.start("portal", python("raise SystemExit(7)"))
members.start("MLflow", LONG, quiet=True)
sys.exit(members.wait_for("portal"))
""",
        tmp_path,
    )
    assert ended.returncode == 7
    assert "The portal ended with exit code 7." in ended.stdout


def test_what_ends_again_and_again_is_given_up_in_words(tmp_path: Path) -> None:
    ended = run(
        """
members.start("portal", python("import time; time.sleep(4)"))
members.start("MLflow", python("print('no such option', flush=True); raise SystemExit(2)"), quiet=True)
sys.exit(members.wait_for("portal"))
""",
        tmp_path,
    )
    assert ended.stdout.count("MLflow ended with exit code 2; starting it again.") == 5
    assert "MLflow ended 6 times in a row, last with exit code 2, and is not started again; " in ended.stdout
    log = tmp_path / "logs" / "mlflow.log"
    assert f"{log} tells why" in ended.stdout
    assert log.read_text().count("no such option") == 6


def test_what_ran_for_a_while_is_counted_anew(tmp_path: Path) -> None:
    ended = run(
        """
family.STABLE_SECONDS, family.RESTARTS = 0.3, 1
members.start("portal", python("import time; time.sleep(4)"))
members.start("MLflow", python("import time; time.sleep(0.5)"))
sys.exit(members.wait_for("portal"))
""",
        tmp_path,
    )
    assert ended.stdout.count("starting it again") > 2
    assert "not started again" not in ended.stdout


@pytest.mark.parametrize(("code", "told"), [(0, False), (3, True)])
def test_a_demo_that_is_not_built_to_its_end_is_told(code: int, told: bool, tmp_path: Path) -> None:
    ended = run(
        f"""
members.start("portal", python("import time; time.sleep(1)"))
members.start("demo", python("raise SystemExit({code})"), once=True, low_priority=True)
sys.exit(members.wait_for("portal"))
""",
        tmp_path,
    )
    assert ended.stdout.count("demo") == told
    assert ("demo ended with exit code 3 before it was done" in ended.stdout) == told


def test_what_a_dead_member_leaves_behind_ends_before_it_is_started_again(tmp_path: Path) -> None:
    """Such as the server that MLflow starts, which would hold the port that the next one needs."""
    held = tmp_path / "held"
    script = f"""
import fcntl, os, subprocess, sys
file = open({str(held)!r}, "a")
try:
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError:
    print("held by another", flush=True)
subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"], pass_fds=[file.fileno()])
os.kill(os.getpid(), 9)
"""
    ended = run(
        f"""
members.start("portal", python("import time; time.sleep(2)"))
members.start("MLflow", python({script!r}))
sys.exit(members.wait_for("portal"))
""",
        tmp_path,
    )
    assert "MLflow ended with signal 9; starting it again." in ended.stdout
    assert "held by another" not in ended.stdout


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_however_the_parent_ends_its_members_and_what_they_started_end_too(how: signal.Signals, tmp_path: Path) -> None:
    script = HEAD + (
        """
members.start("portal", python("import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', 'import time; time.sleep(60)'])"))
members.start("deaf", python("import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"))
children.GRACE_SECONDS = 1
print("started", flush=True)
sys.exit(members.wait_for("portal"))
"""
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, env=serving.environment(tmp_path), stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    parent.stdout.readline()
    members = serving.below(parent.pid)
    parent.send_signal(how)
    assert parent.wait(20) == (-9 if how is signal.SIGKILL else 0)
    assert len(members) >= 3, "the guard and two members"
    assert serving.left_of(members, seconds=5) == []
