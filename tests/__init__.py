"""The portal's tests: through its public doors, on real files, databases, servers and browsers."""
