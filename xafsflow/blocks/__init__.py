"""How a kernel meets Dask: lifted over blocks, with halos, and with numbers of the whole scan."""
