"""Disputes: a line of an issued document is contested, answered, decided, and settled by a run.

Pure modules (rules, terms, course, claims, attachments, settling, sealing) know no database;
`store` reads and writes, `steps` takes them, `queries` answers, `verification` proves.
"""
