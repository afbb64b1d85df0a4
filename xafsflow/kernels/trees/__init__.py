"""Kernels of forests: growing, splitting, walking."""
