"""The implementations of the interfaces: Redis, MongoDB, and in-memory fakes."""
