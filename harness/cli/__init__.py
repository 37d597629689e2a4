"""`python -m harness …`: a thin front over `pytest.main`, and the few things that are no tests."""
