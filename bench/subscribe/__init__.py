"""Following messages, measured: thousands of open subscriptions on one gateway process. See bench/README.md."""
