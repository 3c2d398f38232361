"""What the files in config/ mean: models, loading with line numbers, checks, registry."""
