"""One file a format; images lazily, spectra as a `library` Dataset."""
