"""Numba kernels over energy-major blocks: numpy and numba only, no xarray, no dask.

A kernel leaves its input as it is and returns fresh arrays. What cannot be computed is NaN; no pixel raises.
"""
