"""Settlement runs: pinned inputs, results, and the same computed again."""
