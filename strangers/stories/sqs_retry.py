"""A send to a FIFO queue is tried again after its message was read and deleted, and is delivered again.

Run `moto_server -p 5000`, then `python strangers/stories/sqs_retry.py http://127.0.0.1:5000`. Exit code 1: it
was delivered again, within the five minutes for which AWS ignores a deduplication id that was used.
"""

from __future__ import annotations

import sys
import time

import boto3


def main(url: str) -> int:
    """Tell the story; return 1 if the message was delivered again."""
    client = boto3.client(
        "sqs", endpoint_url=url, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    start = time.monotonic()

    def tell(text: str) -> None:
        sys.stdout.write(f"{time.monotonic() - start:6.3f} s  {text}\n")

    queue = client.create_queue(QueueName="story.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    tell("CreateQueue story.fifo, FifoQueue=true")
    message = {"MessageBody": "hello", "MessageGroupId": "g", "MessageDeduplicationId": "d1"}
    sent = client.send_message(QueueUrl=queue, **message)
    tell(f"SendMessage hello, deduplication id d1: MessageId {sent['MessageId']}")
    again = client.send_message(QueueUrl=queue, **message)
    tell(f"SendMessage hello, deduplication id d1: MessageId {again['MessageId']}")
    read = client.receive_message(QueueUrl=queue)["Messages"]
    tell(f"ReceiveMessage: {[one['MessageId'] for one in read]}")
    client.delete_message(QueueUrl=queue, ReceiptHandle=read[0]["ReceiptHandle"])
    tell("DeleteMessage by its receipt: accepted")
    tell(f"ReceiveMessage: {client.receive_message(QueueUrl=queue).get('Messages', [])}")
    late = client.send_message(QueueUrl=queue, **message)
    tell(f"SendMessage hello, deduplication id d1: MessageId {late['MessageId']}")
    found = [one["MessageId"] for one in client.receive_message(QueueUrl=queue).get("Messages", [])]
    tell(f"ReceiveMessage: {found}")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
