"""Recipes: read, checked, planned, run, resumed and repaired."""
