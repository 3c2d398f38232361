"""Relay against the hub."""
