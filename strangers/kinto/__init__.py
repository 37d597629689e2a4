"""Kinto, a store with an HTTP API that clients synchronise with, on PostgreSQL."""
