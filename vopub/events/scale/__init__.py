"""Many files on many cores: a part for each file, tasks, workers, and what repeats."""
