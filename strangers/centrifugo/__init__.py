"""Centrifugo, with its history API."""
