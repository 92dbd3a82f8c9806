"""PostgreSQL: one MetaData, engine and transaction, the embedded server, bulk COPY, guards."""
