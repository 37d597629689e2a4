"""Polling systems that are not part of this project, with what the harness needs to judge them."""
