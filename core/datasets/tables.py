"""What the store keeps of datasets."""
