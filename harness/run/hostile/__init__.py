"""What somebody tries who means harm: recorded requests, false tokens, hostile input."""
