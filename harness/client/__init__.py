"""A client of the server under test: its requests, how it polls, and what may vary between requests."""

from harness.client.client import (
    API,
    PATIENCE_S,
    Answer,
    Body,
    Client,
    FieldMissing,
    Malformed,
    fits_into_a_header,
    json_object,
    patiently,
    require,
)

__all__ = [
    "API",
    "PATIENCE_S",
    "Answer",
    "Body",
    "Client",
    "FieldMissing",
    "Malformed",
    "fits_into_a_header",
    "json_object",
    "patiently",
    "require",
]
