"""The rows of the client plan; each test is a story."""
