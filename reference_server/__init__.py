"""A polling chat server that keeps the promises of docs/server.md. Run: `python -m reference_server`."""
