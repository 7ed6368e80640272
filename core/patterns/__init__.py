"""Architectural patterns: advice, comparison, approvals that projects inherit, and deviations."""
