"""The tree behind a number: amount, shares, Shapley values, readings, and the clauses of each."""
