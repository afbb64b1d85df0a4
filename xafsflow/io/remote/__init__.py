"""Measurements and runs on storage that has a URL, such as `s3://bucket/scan`.

What a run reads is mirrored into a folder of this machine, what it makes is made in one and then put at its URL, so that
every step works on files. Nothing here imports fsspec before a URL is opened.
"""
