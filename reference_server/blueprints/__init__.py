"""HTTP: one module a group of endpoints. They read requests and write answers; the policy is in the service."""
