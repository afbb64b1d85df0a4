"""Fits of the energy of every pixel from parts of a scan, and the shift map they give."""
