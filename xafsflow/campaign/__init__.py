"""Many measurements: a catalog, a ledger of what was done, and the batch that works through them."""
