"""The command line, ``python -m core <command>``: for whoever operates the portal, and for pipelines."""
