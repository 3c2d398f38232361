"""The wires against real servers: raw TCP servers that misbehave on purpose, and the two sample agencies."""
