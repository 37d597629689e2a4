"""Load tests: any number of users who poll and write."""
