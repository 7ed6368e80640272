"""Evidence: copied by value from MLflow and from uploads, with hashes, and compared again with where it came from."""
