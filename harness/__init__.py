"""Certifies a polling messaging server: starts real services, breaks them, judges the history."""
