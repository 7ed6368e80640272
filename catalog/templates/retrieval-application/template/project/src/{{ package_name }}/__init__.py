"""Answers questions from the organisation's own documents, with citations or not at all."""
