"""Powder diffraction: structure factors, patterns, peaks."""
