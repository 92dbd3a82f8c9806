"""Acts: what a person asks for on a page, and the writer's worker does, once."""
