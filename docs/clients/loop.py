"""Poll a mailbox and print each message as one line of JSON: loop.py BASE_URL USERNAME TOKEN."""

import json
import sys
import time
import urllib.parse
import urllib.request

POLL_INTERVAL_S = 0.5
TIMEOUT_S = 2


def poll(base_url, username, token, since):
    """Return one page of messages."""
    query = urllib.parse.urlencode({"since": since} if since else {})
    url = f"{base_url}/api/users/messages/poll/{urllib.parse.quote(username, safe='')}?{query}"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
        return json.load(answer)


def main(base_url, username, token):
    """Poll for ever; errors are printed."""
    since = None
    while True:
        try:
            page = poll(base_url, username, token, since)
            for message in page["messages"]:
                print(json.dumps({"delivered": {"id": message["id"], "content": message["message"]}}))
            since = page["next_since"]
        except OSError as error:
            print(error, file=sys.stderr)
        time.sleep(POLL_INTERVAL_S)


main(*sys.argv[1:])
