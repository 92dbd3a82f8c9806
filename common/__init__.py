"""What every package of the house shares and none owns: pure values, below the database."""
