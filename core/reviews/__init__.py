"""Review cases: one checklist version applied to one subject, from its opening to a signed decision and its end."""
