"""Campaigns against the ledger: random operations, and writers that race, judged by an auditor."""
