"""Kernels over the spectral axis: absorbance, energy shift, normalization, derivatives, noise."""
