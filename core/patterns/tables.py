"""What the store keeps of patterns."""
