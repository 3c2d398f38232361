"""Read models of what dashboards show: kept by triggers in the transaction of the event, folded every few seconds, counted anew to be verified.

A trigger only inserts into `statistics_delta`, so two messages for one body never wait for each other. `folding.py` moves deltas into the tables
that are read; who reads adds the deltas still open, so a number is never older than the last commit.
"""
