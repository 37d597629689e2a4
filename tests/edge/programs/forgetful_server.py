"""The reference server, broken from outside: its polls lose every second message."""

import sys
from dataclasses import replace

from reference_server import __main__, service


class Forgetful(service.Messenger):
    def poll(self, *arguments, **options):
        polled = super().poll(*arguments, **options)
        kept = [message for message in polled.page.messages if message.seq % 2]
        return replace(polled, page=replace(polled.page, messages=kept))


service.Messenger = Forgetful
sys.exit(__main__.main())
