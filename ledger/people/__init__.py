"""Who may act: persons, their accounts, what these may do, and what two of them decide."""
