"""Bodies of commands that join stages outside an experiment."""
