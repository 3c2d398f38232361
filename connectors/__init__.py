"""Wires: carry a Call, bring a Reply. They know neither messages nor agencies."""
