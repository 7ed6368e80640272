"""Reuse before build: what exists that is similar, what was decided about it, and what is missing."""
