"""Kernels of linear combination fits and subsets of references."""
