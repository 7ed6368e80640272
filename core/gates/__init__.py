"""The gate: may this version of a model go to that environment? It denies whatever it does not know."""
