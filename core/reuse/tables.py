"""What the store keeps of reuse."""
