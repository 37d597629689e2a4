"""HTTP, one module a group of endpoints: they read requests and write answers. The service has the policy."""
