"""Files in and out: readers, writers, folders and remote storage."""
