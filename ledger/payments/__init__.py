"""Bank statements, what they pay, and what every participant owes: money that came and went.

Pure modules (camt, statements, checks, matching, journals, sealing) know no database; `store` and
`queries` read and write; `import_file` and `allocate` are what other packages call.
"""
