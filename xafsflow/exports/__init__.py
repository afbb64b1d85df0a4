"""Maps going out to other programs: CSV tables, TIFF and OME-TIFF images, PNG figures."""
