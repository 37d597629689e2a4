"""The API's description (OpenAPI 3.1), made from the settings, so that it says what this very server does.

tests/edge/server/test_openapi.py asks a running server everything that the description allows, and much that
it does not.
"""

from reference_server.openapi.document import document

__all__ = ["document"]
