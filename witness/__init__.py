"""A witness of a log: another's own small process, with a folder of its own and no database.

It believes nothing that it was not told when it was set up: the log's key. It keeps the last
checkpoint that it co-signed, with the hashes of its leaves, and signs no log that does not begin
with that.
"""
