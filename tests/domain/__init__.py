"""The words and the rules, tested without anything around them."""
