"""What agencies answered when they were recorded, replayed against their files as they are now."""
