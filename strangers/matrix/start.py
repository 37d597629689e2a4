"""Start Synapse on SQLite: `python -m strangers.matrix.start HOST PORT NAME`, until SIGTERM.

Its rate limits, which are made for people, are raised; presence and federation are off. After SIGKILL,
another start with the same name goes on with the data.
"""

from __future__ import annotations

import base64
import json
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from strangers.starting import run_in_folder

SERVER_NAME = "stranger.test"
UNLIMITED = {"per_second": 100_000, "burst_count": 100_000}
WHOLE = ("rc_message", "rc_registration", "rc_joins_per_room", "rc_room_creation")
BY_KIND = {
    "rc_login": ("address", "account", "failed_attempts"),
    "rc_joins": ("local", "remote"),
}
LOGGING = {
    "version": 1,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"level": "WARNING", "handlers": ["console"]},
    "disable_existing_loggers": False,
}


def main(host: str, port: str, name: str) -> int:
    """Return Synapse's exit code."""

    def prepare(folder: Path) -> Sequence[str]:
        if not (folder / "homeserver.yaml").exists():
            _write(folder / "log.yaml", json.dumps(LOGGING))
            _write(folder / "signing.key", f"ed25519 a_key {_unpadded(secrets.token_bytes(32))}\n")
            _write(folder / "homeserver.yaml", json.dumps(configuration(folder, host, int(port))))
        return [sys.executable, "-m", "synapse.app.homeserver", "-c", str(folder / "homeserver.yaml")]

    return run_in_folder(prepare, name)


def configuration(folder: Path, host: str, port: int) -> dict[str, Any]:
    """Return what homeserver.yaml says; JSON is YAML, too."""
    limits: dict[str, Any] = dict.fromkeys(WHOLE, UNLIMITED)
    limits |= {name: dict.fromkeys(kinds, UNLIMITED) for name, kinds in BY_KIND.items()}
    return limits | {
        "server_name": SERVER_NAME,
        "listeners": [
            {
                "port": port,
                "bind_addresses": [host],
                "type": "http",
                "resources": [{"names": ["client", "health"]}],
            }
        ],
        "database": {"name": "sqlite3", "args": {"database": str(folder / "homeserver.db")}},
        "media_store_path": str(folder / "media"),
        "pid_file": str(folder / "homeserver.pid"),
        "signing_key_path": str(folder / "signing.key"),
        "log_config": str(folder / "log.yaml"),
        "macaroon_secret_key": secrets.token_hex(16),
        "form_secret": secrets.token_hex(16),
        "trusted_key_servers": [],
        "report_stats": False,
        "presence": {"enabled": False},
        "enable_registration": True,
        "enable_registration_without_verification": True,
        "bcrypt_rounds": 4,
    }


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _unpadded(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
