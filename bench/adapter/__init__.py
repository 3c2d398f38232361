"""What one message costs between our words and an agency's bytes, beside zeep used plainly and beside a template by hand."""
