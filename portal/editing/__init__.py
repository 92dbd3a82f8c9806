"""Editing the law by forms: documents to fields, and what is typed to documents. Pure."""
