"""Which references do the data support: fits compared, near-duplicates, what is missing."""
