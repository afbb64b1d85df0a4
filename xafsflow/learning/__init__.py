"""Tables of samples and features, and estimators; never imports dask."""
