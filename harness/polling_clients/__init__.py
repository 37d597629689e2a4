"""Verdicts on polling clients: a client polls a server that misbehaves in legal ways; see docs/clients.md."""
