"""Training samples and the features that matter."""
