"""Kernels of powder diffraction: structure factors, preferred orientation, peaks."""
