"""Certifies a polling messaging server: starts real services, breaks them on purpose, and judges the history."""
