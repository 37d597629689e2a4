"""One run of the harness: its services, its history file, one result a row, the exit code."""
