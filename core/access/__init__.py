"""Who may do what: people, units, teams, roles per scope, tokens, and the permission matrix."""
