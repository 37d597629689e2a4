"""Where the clients of several instances send their requests."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.targets.instances import Instances
from harness.targets.profile import REFERENCE, load_profile


@pytest.fixture
def instances(tmp_path: Path) -> Instances:
    services = SimpleNamespace(redis_url="redis://", mongodb_url="mongodb://", proxies={})
    instances = Instances(load_profile(REFERENCE), services, logs=tmp_path, name="row")
    instances.targets += [SimpleNamespace(base_url="http://one"), SimpleNamespace(base_url="http://two")]
    return instances


def test_without_a_front_the_instances_get_the_requests(instances: Instances) -> None:
    assert instances.base_urls == ["http://one", "http://two"]
    assert list(instances.client("ann", "long enough").adapter.site.urls) == instances.base_urls


def test_with_a_front_it_gets_all_of_them(instances: Instances) -> None:
    instances.front = "http://front"
    assert list(instances.client("ann", "long enough").adapter.site.urls) == ["http://front"]


def test_the_first_instance_that_is_not_ready_is_named(instances: Instances) -> None:
    for target, said in zip(instances.targets, ("200", "503"), strict=True):
        target.says = {"/health/ready": said}.__getitem__  # type: ignore[method-assign]
    assert instances.unready() == "GET http://two/health/ready was answered 503"
    instances.targets.pop()
    assert not instances.unready()


def test_a_client_may_have_an_instance_of_its_own_all_the_same(instances: Instances) -> None:
    instances.front = "http://front"
    assert list(instances.client("ann", "long enough", at="http://two").adapter.site.urls) == ["http://two"]
