"""Formats of images beside TIFF: one file a format; every stack of them is read by rows through `source_stack`."""
