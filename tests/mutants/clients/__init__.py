"""Mutants of the client of this project, for pages."""
