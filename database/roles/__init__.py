"""The roles of PostgreSQL by which the product works: their names, and what each of them may."""
