"""Start Kinto and a PostgreSQL: `python -m strangers.kinto.start HOST PORT NAME`, until SIGTERM.

After SIGKILL, another start with the same name goes on with the data.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from strangers.kinto import postgresql
from strangers.starting import run, state_folder

PROGRAM = "import sys; from kinto.__main__ import main; sys.exit(main(sys.argv[1:]))"
CONFIGURATION = """\
[app:main]
use = egg:kinto
kinto.storage_backend = kinto.core.storage.postgresql
kinto.storage_url = {url}
kinto.permission_backend = kinto.core.permission.postgresql
kinto.permission_url = {url}
kinto.userid_hmac_secret = stranger
kinto.bucket_create_principals = system.Everyone
multiauth.policies = basicauth
multiauth.policy.basicauth.use = kinto.core.authentication.BasicAuthAuthenticationPolicy

[server:main]
use = egg:waitress#main
host = {host}
port = {port}

[loggers]
keys = root

[handlers]
keys = console

[formatters]
keys =

[logger_root]
level = WARNING
handlers = console

[handler_console]
class = StreamHandler
args = (sys.stderr,)
level = NOTSET
"""


def main(host: str, port: str, name: str) -> int:
    """Return Kinto's exit code."""
    with state_folder(name) as folder, postgresql.running(folder):
        ini = folder / "kinto.ini"
        url = f"postgresql://{postgresql.USER}@/postgres?host={folder}"
        ini.write_text(CONFIGURATION.format(url=url, host=host, port=port), encoding="utf-8")
        subprocess.run(_kinto("migrate", ini), check=True)
        return run(_kinto("start", ini))


def _kinto(command: str, ini: Path) -> list[str]:
    return [sys.executable, "-c", PROGRAM, command, "--ini", str(ini)]


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
