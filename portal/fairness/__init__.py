"""Fairness reports of settled months and years as people meet them: asked for, read, printed."""
