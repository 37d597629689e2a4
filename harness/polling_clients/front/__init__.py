"""The scripted front: an HTTP proxy between a client and the server that records and misbehaves."""

from harness.polling_clients.front.front import Front
from harness.polling_clients.front.script import Script

__all__ = ["Front", "Script"]
