"""What MLflow says: a mirror of experiments, runs, models, versions, aliases and metrics in the portal's own store."""
