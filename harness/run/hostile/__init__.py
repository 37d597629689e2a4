"""What an attacker tries: recorded requests, false tokens, hostile input."""
