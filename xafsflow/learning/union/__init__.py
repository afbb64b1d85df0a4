"""Structure types from diffraction patterns: a union of residual networks, and what stands beside it."""
