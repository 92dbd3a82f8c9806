"""Trials of drafts as people meet them: asked for, told in words, tables and pictures, opened."""
