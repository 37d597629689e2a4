"""Parts of the test kit for adapters (`harness.adapters.testing`)."""
