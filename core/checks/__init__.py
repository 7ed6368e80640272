"""Checks: pure functions that judge evidence by a rule and say how sure they are. They know no store and no clock."""
