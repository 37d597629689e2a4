"""What a broken promise means to the people who use the product, for readers who do not program."""

from __future__ import annotations

from collections.abc import Mapping

IN_PLAIN_WORDS: Mapping[str, str] = {
    "no-loss": (
        "Someone wrote a message, saw it accepted, and the other person never got it. "
        "Neither of them was told."
    ),
    "no-duplicate": (
        "One message was shown more than once. Where messages are orders or payments, it may be done twice."
    ),
    "order": "Messages were shown in another order than they were written in: answers before questions.",
    "cursor": (
        "The server told a reader to continue from a place behind a message that the reader had not got yet. "
        "Such a message is never asked for again."
    ),
    "no-phantom": (
        "Something was shown that no one had written like that: a changed text, a wrong sender, another "
        "person's message, or one that had been refused."
    ),
    "on-time": "Messages took longer to appear than promised, although nothing was broken.",
    "available": "Requests that can be served were answered too slowly, with an error, or not at all.",
    "recovers": "A part had failed and was back, and the chat had not come back with it in time.",
    "bounded": "Something kept growing that should have an end. It fills the memory until the service stops.",
    "retention-told": "Old messages were gone and the reader was not told, or was told so although none was.",
    "private": "A person could read or do something that belongs to another one.",
    "refuses": "The server accepted, or did not cleanly refuse, what it has to refuse.",
    "contiguous": "The numbers of messages have holes or go back: no reader can see whether one is missing.",
    "no-leak": "Memory, connections or files kept growing while the traffic stayed the same.",
    "stops-cleanly": "When the server was stopped, as for every update, it dropped requests or did not end.",
    "shows-all": "The server had a message for someone, and the window never showed it.",
    "shows-once": "The window showed one message twice, such as after a reload or in a second tab.",
    "shows-in-order": "The window showed messages in another order than they were written in.",
    "keeps-polling": "The window stopped asking for messages. It looks quiet until someone reloads it.",
    "paced": (
        "The window asked for messages too often or too seldom. Of many windows that ask too often, each "
        "slows the service down for everyone, most of all when it is in trouble."
    ),
    "catches-up": "The device was back, and the window did not soon show what had come meanwhile.",
    "keeps-to-itself": "The window showed or asked for something that belongs to another person.",
    "lets-go": "The chat was closed, and went on asking in the background.",
}
"""By promise; one that is not here has its own sentence only."""
