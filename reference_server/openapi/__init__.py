"""The description of the API (OpenAPI 3.1). It is made from the settings, so it has this server's limits.

tests/edge/server/test_openapi.py sends a running server requests that the description allows, and many that
it does not.
"""

from reference_server.openapi.document import document

__all__ = ["document"]
