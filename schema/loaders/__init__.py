"""Dataloaders, one of a kind per operation, for what is not stored. What is stored is read by the plan and needs none."""
