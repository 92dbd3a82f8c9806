"""The law: documents, versions and what is in force."""
