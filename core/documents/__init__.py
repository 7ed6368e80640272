"""Documents from one canonical record: sign-off report, model card, technical documentation, and a verifiable export."""
