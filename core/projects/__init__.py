"""Projects (one ML use case each) and what they adopt from the catalog."""
