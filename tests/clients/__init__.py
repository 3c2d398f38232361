"""Clients of other makers against the real gateway: what a frontend developer installs must work as it comes.

Not part of `make test`, because it needs the npm registry: `make test-clients`.
"""
