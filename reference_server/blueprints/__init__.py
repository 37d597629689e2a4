"""HTTP: one module per group of endpoints. They read requests and write answers. Policy is in service.py."""
