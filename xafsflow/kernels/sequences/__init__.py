"""Sequences as networks read them."""
