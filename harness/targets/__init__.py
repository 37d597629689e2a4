"""What the harness must know about a server, and how it starts one or several instances."""
