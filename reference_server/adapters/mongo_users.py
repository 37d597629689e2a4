"""The registered users, in MongoDB: collection `users` {_id: username, password_hash}."""

from __future__ import annotations

from pymongo import errors

from reference_server.adapters.mongo import Mongo


class MongoUsers:
    """A UserStore."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._users = mongo.collection("users")

    def add(self, username: str, password_hash: str) -> bool:
        """See UserStore."""
        with self._mongo.operation():
            try:
                self._users.insert_one({"_id": username, "password_hash": password_hash})
            except errors.DuplicateKeyError:
                return False
            return True

    def password_hash(self, username: str) -> str | None:
        """See UserStore."""
        with self._mongo.operation():
            user = self._users.find_one({"_id": username})
            return user["password_hash"] if user else None

    def exists(self, username: str) -> bool:
        """See UserStore."""
        with self._mongo.operation():
            return self._users.find_one({"_id": username}, {"_id": 1}) is not None
