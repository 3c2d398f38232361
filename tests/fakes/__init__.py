"""Sample agencies that behave like real legacy case systems, each its own process, and the faults they can be told to show."""
