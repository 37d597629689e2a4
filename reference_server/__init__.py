"""A polling chat server that keeps the promises of docs/contract.md. Run `python -m reference_server`."""
