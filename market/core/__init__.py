"""A market's state machine: integers in, integers out, no clock, database or chance."""
