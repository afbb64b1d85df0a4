"""Kernels over neighboring pixels and whole images: means, registration, motion, fields, tiles."""
