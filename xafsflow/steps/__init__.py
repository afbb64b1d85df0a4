"""The stations, in the order of the way of the data; importing them fills the table of steps."""

from xafsflow.steps import ingest, correct, calibrate, normalize, derive, train, classify, judge, report  # noqa: F401, I001
