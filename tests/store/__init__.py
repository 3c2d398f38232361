"""Tests of the store: the database server, tables and queries."""
