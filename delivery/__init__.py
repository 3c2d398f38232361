"""The worker: brings messages to agencies and their answers home."""
