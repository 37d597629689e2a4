"""A polling chat server that keeps the promises in docs/server.md. Run `python -m reference_server`."""
