"""What happens around every operation: limits before it, masked errors after it."""
