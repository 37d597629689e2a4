"""What the harness must know of a server, and how it is started, also several times."""
