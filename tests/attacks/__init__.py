"""Attacks on the product: each is refused, or found and named. A module a promise."""
