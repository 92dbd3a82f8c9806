"""What a participant is told of: derived from the ledger, so that nothing can forget to tell it."""
