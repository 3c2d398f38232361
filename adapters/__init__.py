"""Translate between our words and one agency's shapes. No network, no database."""
