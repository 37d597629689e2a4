"""The outside world: Redis, MongoDB, and their in-memory stand-ins."""
