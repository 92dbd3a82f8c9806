"""The trail: what was done and who may act, chained beside the log, which names its head."""
