"""Properties of reads: the plan answers as an executor of fields would, and nobody learns what is not theirs."""
