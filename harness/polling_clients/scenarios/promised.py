"""Promises that most rows judge."""

DELIVERY = ("shows-all", "shows-once", "shows-in-order", "keeps-polling", "paced")
