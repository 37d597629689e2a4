"""Thirty messages are published between two polls of a subscriber, which gets ten of them and no signal.

Run `python -m strangers.nchan.start 127.0.0.1 8080`, then `python strangers/stories/nchan_buffer.py
http://127.0.0.1:8080`. Exit code 1: messages were missing, and no answer said so.
"""

from __future__ import annotations

import sys
import urllib.error
import urllib.request


def main(url: str) -> int:
    """Tell the story; return 1 if messages were missing."""
    headers: dict[str, str] = {}
    publish(url, "0")
    status, body = poll(url, headers)
    tell(f"poll: {status} {body}")
    status, body = poll(url, headers)
    tell(f"poll: {status}, nothing new; the cursor is {headers}")
    for number in range(1, 31):
        publish(url, str(number))
    tell("30 publications, 1 to 30, each answered 2xx")
    got: list[str] = []
    while True:
        status, body = poll(url, headers)
        if status != 200:
            break
        got.append(body)
    tell(f"polls from that cursor: {', '.join(got)}, each with status 200; then {status}")
    missing = [str(number) for number in range(1, 31) if str(number) not in got]
    tell(f"missing: {', '.join(missing) or 'none'}")
    return 1 if missing else 0


def tell(text: str) -> None:
    """Write one line of the story."""
    sys.stdout.write(f"{text}\n")


def publish(url: str, body: str) -> None:
    """Publish one message."""
    urllib.request.urlopen(f"{url}/publish/story", data=body.encode(), timeout=5).close()


def poll(url: str, headers: dict[str, str]) -> tuple[int, str]:
    """Return the status and the body of one poll; `headers` become those of the next one."""
    request = urllib.request.Request(f"{url}/subscribe/story", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            headers["If-Modified-Since"] = answer.headers["Last-Modified"]
            headers["If-None-Match"] = answer.headers["ETag"]
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
