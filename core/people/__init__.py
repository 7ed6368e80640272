"""Joining and leaving: people, units, teams, roles with two-person grants, sign-ins and tokens."""
