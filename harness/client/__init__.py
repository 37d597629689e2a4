"""A client of the server under test: its requests, how it polls, and what may vary between requests."""

from harness.adapters.http import json_object
from harness.adapters.reading import fits_into_a_header
from harness.adapters.results import Ack, Answer, Body, FieldMissing, Malformed, Page, Result, Said, Session
from harness.client.client import PATIENCE_S, Client, patiently, require

__all__ = [
    "PATIENCE_S",
    "Ack",
    "Answer",
    "Body",
    "Client",
    "FieldMissing",
    "Malformed",
    "Page",
    "Result",
    "Said",
    "Session",
    "fits_into_a_header",
    "json_object",
    "patiently",
    "require",
]
