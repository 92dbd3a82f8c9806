"""The market online: events in, prices out, and a log from which both come again."""
