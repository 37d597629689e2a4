"""One function for each figure: it starts what it needs, measures rounds, and ends everything."""
