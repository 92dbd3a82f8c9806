"""The life of a change of law: from a problem that somebody states to law, and to what came of it.

What happened is a row of events, each by somebody, at a moment and for a reason. How a change
stands follows from them (`life`), by one table of steps (`steps`), to which the database is held.
"""
