"""What no one types on purpose, for every command, every kind of file and every address."""
