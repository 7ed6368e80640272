"""Asking for the job that makes, delivers and reads; it runs by itself every minute anyway."""

from __future__ import annotations

from core import jobs


def begin() -> None:
    """Let the job look now for what waits."""
    jobs.soon("template-work")
