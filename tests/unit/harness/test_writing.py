"""What a request to a server looks like, where a careless spelling would ask for something else."""

import pytest
from urllib3.util import parse_url

from harness.adapters.wire import Wire
from harness.adapters.writing import Writer


@pytest.mark.parametrize(
    ("name", "segment"), [(".", "%2E"), ("..", "%2E%2E"), ("../a", "..%2Fa"), ("...", "...")]
)
def test_a_name_of_dots_is_a_mailbox_and_not_the_folder_above(name: str, segment: str) -> None:
    path = Writer(Wire()).request("poll", {"username": name}).path
    assert path == f"/api/users/messages/poll/{segment}"
    assert parse_url(f"http://127.0.0.1{path}").path == path, "the client changes it"
