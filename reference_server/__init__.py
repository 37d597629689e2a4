"""A polling chat server that keeps every promise of docs/server.md. Run it with `python -m reference_server`."""
