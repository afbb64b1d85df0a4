"""Components and clusters of spectra, found without references."""
