"""Rules about agency files that go beyond their shape; one rule per file."""
