"""Libraries of spectra with labels, properties and structures: arrays, tables, folders of spectra, and Zarr.

Each reader names the arrays of a file and hands them to `library_arrays.part_of`, which says which is which;
`library_axes.join` puts the parts on one axis.
"""
