"""Issued documents as PDF, XML, JSON and CSV: pure functions of what was sealed."""
