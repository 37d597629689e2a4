"""Nchan, the publish-subscribe module of nginx."""
