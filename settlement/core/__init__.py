"""The settlement engine: integer arrays in, integer arrays out, no clock, database or chance."""
