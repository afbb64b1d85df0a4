"""Spectra drawn from a scan, and simulated spectra taken through its steps."""
