"""One run: plan, measure, score. Only ``measure`` runs a model; workers share the run folder and nothing else."""
