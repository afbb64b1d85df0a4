"""Images in HDF5 files: one file a layout, which is asked whether a file is laid out so."""
