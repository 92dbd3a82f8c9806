"""What a database holds, asked of PostgreSQL's catalogue, and what it should hold."""
