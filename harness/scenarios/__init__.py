"""The scenarios: one module a section of the test plan, each test a story that names its row."""
