"""One read operation → one SQL statement that builds the JSON in PostgreSQL."""
