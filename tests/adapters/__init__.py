"""The adapters: expressions, filters, outcomes, feeds, webhooks; and the two sample agencies through their real wires."""
