"""`python -m harness …`: a thin front over `pytest.main`, and the few commands that are not tests."""
