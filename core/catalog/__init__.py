"""The one catalog: what the factory has, who owns it, and how it is found."""
