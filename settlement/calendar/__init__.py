"""Runs by calendar: what is due, what came late, and which days are closed."""
