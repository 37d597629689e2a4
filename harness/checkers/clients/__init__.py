"""What a polling client promises: one pure function for each promise, over the history of a client run."""
