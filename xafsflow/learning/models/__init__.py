"""Trained models: what they are, how they are made, stored and found again."""
