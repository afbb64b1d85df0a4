"""Random forests: trained on binned features, laid out as flat arrays."""
