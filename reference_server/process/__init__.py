"""The processes that serve the app: sockets, signals, gunicorn's master and workers, bodies from the wire.

Nothing here knows what a message is, and nothing else knows gunicorn.
"""
