"""The files of deploy/ agree with the server: its settings, its paths, its signals, its needs."""

from __future__ import annotations

import ast
import io
import json
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from dockerfile_parse import DockerfileParser

from reference_server.config import SETTINGS, Config
from reference_server.process.worker import STOP_S
from reference_server.setting import ConfigError
from tests.unit.server.http_app import Http
from tests.unit.server.world import World

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
KNOWN = {setting.name for setting in SETTINGS}
SECRETS = {"SECRET_KEY", "REDIS_URL", "MONGODB_URL"}
"""The settings that are secrets, or can hold a password."""
HEALTHY = {"/health/live", "/health/ready"}
SECRET_KEY = "k" * 64
DOCKER_KILLS_AFTER_S = 10
"""Docker's default; https://docs.docker.com/reference/cli/docker/container/stop/."""


def read(name: str) -> str:
    return (DEPLOY / name).read_text(encoding="utf-8")


# -- settings


def test_the_image_sets_only_settings_of_the_server() -> None:
    final = _stages()[-1]
    settings = _environment(final) - {"PATH"}
    assert settings == {"HOST", "PORT", "LOG_FORMAT"}
    assert settings <= KNOWN


def test_compose_sets_only_legal_settings() -> None:
    environment = _server_of_compose()["environment"]
    assert set(environment) >= SECRETS
    filled = {
        name: re.sub(r"\$\{SECRET_KEY:\?.*\}", SECRET_KEY, value) for name, value in environment.items()
    }
    _require_legal(filled)


def test_kubernetes_sets_only_legal_settings() -> None:
    data = _of_kind("ConfigMap")["data"]
    assert not set(data) & SECRETS
    assert all(isinstance(value, str) for value in data.values())
    stores = {"REDIS_URL": "redis://redis:6379/0", "MONGODB_URL": "mongodb://mongo:27017/"}
    _require_legal(data | stores | {"SECRET_KEY": SECRET_KEY})


def test_the_placeholders_of_the_secret_are_refused() -> None:
    data = _of_kind("Secret")["stringData"]
    assert set(data) == SECRETS
    right = {"REDIS_URL": "redis://redis:6379/0", "MONGODB_URL": "mongodb://mongo:27017/"}
    for name in SECRETS:
        with pytest.raises(ConfigError, match=name):
            Config.from_env(right | {"SECRET_KEY": SECRET_KEY, name: data[name]})


def test_compose_does_not_start_without_a_secret_key() -> None:
    assert _server_of_compose()["environment"]["SECRET_KEY"].startswith("${SECRET_KEY:?")


def test_no_file_holds_a_secret() -> None:
    for path in filter(Path.is_file, DEPLOY.rglob("*")):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"[0-9a-f]{32}", text), path
        assert not re.search(r"://[^\s/@]+:[^\s/@]+@", text), path


# -- health, ports


def test_every_probe_asks_a_path_of_the_server() -> None:
    http = Http(World())
    probed = {probe["httpGet"]["path"] for _, probe in _probes()}
    assert probed == HEALTHY
    assert {"/health/live"} == set(re.findall(r"/health/\w+", _healthcheck()))
    assert {http.get(path).status_code for path in probed} == {200}


def test_only_readiness_depends_on_the_stores() -> None:
    """A restart does not bring a store back."""
    paths = {name: probe["httpGet"]["path"] for name, probe in _probes()}
    assert paths == {
        "startupProbe": "/health/live",
        "readinessProbe": "/health/ready",
        "livenessProbe": "/health/live",
    }


def test_all_ports_are_the_port_that_the_image_sets() -> None:
    port = dict(re.findall(r"(\w+)=(\S+)", _text(_stages()[-1], "ENV")))["PORT"]
    container = _container()
    assert [each["containerPort"] for each in container["ports"]] == [int(port)]
    assert {probe["httpGet"]["port"] for _, probe in _probes()} == {container["ports"][0]["name"]}
    assert _of_kind("Service")["spec"]["ports"][0]["targetPort"] == container["ports"][0]["name"]
    assert _text(_stages()[-1], "EXPOSE") == port
    (published,) = _server_of_compose()["ports"]
    assert published.endswith(f":{port}")


def test_a_busy_start_is_waited_for() -> None:
    """A worker may take a minute to start: see BOOT_S in process/master.py."""
    startup = dict(_probes())["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] > 60


# -- stopping


def test_a_stop_has_more_time_than_the_server_takes() -> None:
    assert _seconds(_server_of_compose()["stop_grace_period"]) > STOP_S + 5
    assert DOCKER_KILLS_AFTER_S > STOP_S
    pod = _of_kind("Deployment")["spec"]["template"]["spec"]
    (word, pause_s) = _container()["lifecycle"]["preStop"]["exec"]["command"]
    assert word == "sleep"
    assert pod["terminationGracePeriodSeconds"] > int(pause_s) + STOP_S + 5


def test_an_instance_is_out_of_rotation_before_it_is_stopped() -> None:
    """While preStop waits, nodes and ingress take the pod out, or a balancer that asks readiness does."""
    readiness = dict(_probes())["readinessProbe"]
    noticed_s = readiness["periodSeconds"] * (readiness["failureThreshold"] - 1) + readiness["timeoutSeconds"]
    assert int(_container()["lifecycle"]["preStop"]["exec"]["command"][1]) > noticed_s


def test_the_server_gets_the_signal_itself() -> None:
    entry = json.loads(_text(_stages()[-1], "ENTRYPOINT"))
    assert entry == ["python", "-m", "reference_server"]
    assert _text(_stages()[-1], "STOPSIGNAL") == "SIGTERM"


def test_a_new_instance_serves_before_an_old_one_is_stopped() -> None:
    deployment = _of_kind("Deployment")["spec"]
    budget = _of_kind("PodDisruptionBudget")["spec"]
    assert deployment["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert 1 <= budget["minAvailable"] < deployment["replicas"]


# -- the image


def test_the_image_has_what_the_server_imports_and_nothing_of_the_harness() -> None:
    listed = _requirements(read("requirements.txt"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["server"]]
    assert listed.items() <= _requirements("\n".join(needed)).items()
    assert "--require-hashes -r /src/.ci/server.txt" in read("Dockerfile")
    assert set(listed) == {PACKAGES.get(name, name) for name in _imported(ROOT / "reference_server")}


def test_bases_are_pinned_to_a_tag() -> None:
    images = [_text(stage, "FROM").split()[0] for stage in _stages()]
    images += [service["image"] for service in _compose()["services"].values()]
    images += [_container()["image"]]
    assert len(set(images)) == 4
    for image in images:
        assert re.fullmatch(r"[a-z-]+:\d[\w.-]*", image), image


def test_nothing_runs_as_root_or_writes_to_its_image() -> None:
    user = _text(_stages()[-1], "USER")
    pod = _of_kind("Deployment")["spec"]["template"]["spec"]
    assert user == f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}"
    assert pod["securityContext"]["runAsUser"] > 0
    assert _container()["securityContext"]["readOnlyRootFilesystem"]
    assert [mount["mountPath"] for mount in _container()["volumeMounts"]] == ["/tmp"]
    assert _server_of_compose()["read_only"]
    assert _server_of_compose()["tmpfs"] == ["/tmp"]


def test_the_build_sends_all_that_the_dockerfile_copies() -> None:
    copied = {word for stage in _stages() for word in _copied(stage)}
    allowed = {line[1:] for line in read("Dockerfile.dockerignore").splitlines() if line.startswith("!")}
    assert copied == allowed | {"/opt/chat"}
    assert all((ROOT / name).exists() for name in allowed)


def test_the_image_is_the_version_of_the_project() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    tag = f"pollproof-server:{version}"
    assert _server_of_compose()["image"] == _container()["image"] == tag
    assert tag in read("Dockerfile")


# -- the stores of compose


def test_mongodb_is_a_replica_set_under_the_name_that_the_server_uses() -> None:
    services_ = _compose()["services"]
    url = _server_of_compose()["environment"]["MONGODB_URL"]
    host, name = re.fullmatch(r"mongodb://([^/]+)/\?replicaSet=(\w+)", url).groups()
    initiated = services_["mongo-init"]["command"][-1]
    assert f"_id: '{name}'" in initiated
    assert f"host: '{host}'" in initiated
    assert services_["mongo"]["command"][1:3] == ["--replSet", name]
    assert services_["mongo-init"]["depends_on"] == {"mongo": {"condition": "service_healthy"}}
    assert host.split(":")[0] in services_


def test_redis_never_evicts_a_list() -> None:
    """A list that is evicted has to be rebuilt from MongoDB, which costs more than it saves."""
    command = _compose()["services"]["redis"]["command"]
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"


def test_the_limits_leave_room_for_what_the_requests_ask() -> None:
    resources = _container()["resources"]
    assert _mebibytes(resources["requests"]["memory"]) <= _mebibytes(resources["limits"]["memory"])
    assert "cpu" not in resources["limits"]


# -- reading the files

PACKAGES = {
    "argon2": "argon2-cffi",
    "jwt": "pyjwt",
    "bson": "pymongo",
    "prometheus_client": "prometheus-client",
}
"""The packages of modules that have another name."""
COME_WITH = {"werkzeug": "flask"}
"""Modules that come with another package on purpose."""


def _compose() -> Mapping[str, Any]:
    return yaml.safe_load(read("compose.yaml"))


def _server_of_compose() -> Mapping[str, Any]:
    return _compose()["services"]["server"]


def _of_kind(kind: str) -> Mapping[str, Any]:
    (found,) = [each for each in yaml.safe_load_all(read("kubernetes.yaml")) if each["kind"] == kind]
    return found


def _container() -> Mapping[str, Any]:
    (container,) = _of_kind("Deployment")["spec"]["template"]["spec"]["containers"]
    return container


def _probes() -> list[tuple[str, Mapping[str, Any]]]:
    return [(name, value) for name, value in _container().items() if name.endswith("Probe")]


def _stages() -> list[list[Mapping[str, Any]]]:
    """The instructions of each stage of the Dockerfile."""
    parser = DockerfileParser(fileobj=io.BytesIO(read("Dockerfile").encode()))
    stages: list[list[Mapping[str, Any]]] = []
    for each in parser.structure:
        if each["instruction"] == "FROM":
            stages.append([])
        if each["instruction"] != "COMMENT":
            stages[-1].append(each)
    return stages


def _text(stage: list[Mapping[str, Any]], instruction: str) -> str:
    (found,) = [each["value"] for each in stage if each["instruction"] == instruction]
    return found


def _environment(stage: list[Mapping[str, Any]]) -> set[str]:
    return set(re.findall(r"(\w+)=", _text(stage, "ENV")))


def _healthcheck() -> str:
    words = _text(_stages()[-1], "HEALTHCHECK")
    command = json.loads(words[words.index("[") :])
    assert command[:2] == ["python", "-c"]
    ast.parse(command[2])
    return command[2]


def _copied(stage: list[Mapping[str, Any]]) -> Iterator[str]:
    for each in stage:
        if each["instruction"] == "COPY":
            *sources, _ = [word for word in each["value"].split() if not word.startswith("--")]
            yield from sources


def _requirements(text: str) -> dict[str, str]:
    """The packages of a list of requirements, with their ranges."""
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    return dict(re.fullmatch(r"([\w-]+)(.*)", line).groups() for line in lines if line)


def _imported(package: Path) -> set[str]:
    """The modules of other projects that a package imports."""
    names: set[str] = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    names = {COME_WITH.get(name, name) for name in names}
    return names - set(sys.stdlib_module_names) - {package.name, "_typeshed"}


def _require_legal(environment: Mapping[str, str]) -> None:
    assert set(environment) <= KNOWN
    assert Config.from_env(environment).warnings() == []


def _seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def _mebibytes(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi)", text).groups()
    return int(number) * {"Mi": 1, "Gi": 1024}[unit]
