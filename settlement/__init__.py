"""The engine: readings in, results and journals out."""
