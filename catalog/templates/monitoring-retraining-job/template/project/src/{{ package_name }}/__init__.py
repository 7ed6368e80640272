"""Watches a deployed model, decides whether to retrain, retrains, compares and asks the gate."""
