"""The commands of `python -m harness`: their options and their help."""
