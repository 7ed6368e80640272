"""A project that uses the package: it trains, compares and asks the gate like every other one."""
