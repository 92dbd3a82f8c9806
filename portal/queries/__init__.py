"""What the pages read: frozen values from the tables of rulebook, settlement and ledger."""
