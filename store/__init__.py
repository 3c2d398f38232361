"""Rows: tables, the Unit (one transaction), one module of queries per aggregate, the embedded PostgreSQL, migrations."""
