"""What each step finds, as small frozen records with units: they go to the report and to `findings.json`."""
