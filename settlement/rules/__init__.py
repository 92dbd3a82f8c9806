"""The law as the engine needs it: documents compiled to arrays, and who answers for what."""
