"""Composers and gateways of Apollo Federation 2."""
