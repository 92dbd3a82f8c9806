"""Stress studies: real days settled again under shocks, to look at and never to post."""
