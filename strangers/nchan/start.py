"""Start nginx with Nchan: `python -m strangers.nchan.start HOST PORT [BUFFER_LENGTH]`, until SIGTERM.

Without a buffer length it has Nchan's default one.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from strangers.starting import run_in_folder

MODULE = "/usr/lib/nginx/modules/ngx_nchan_module.so"  # where Debian's libnginx-mod-nchan has it
CONFIGURATION = """\
load_module {module};
daemon off;
worker_processes 2;
user root;
pid {folder}/nginx.pid;
error_log stderr notice;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  nchan_shared_memory_size 64M;
  server {{
    listen {host}:{port};
    location = /ready {{ return 200; }}
    location ~ ^/publish/(.+)$ {{
      nchan_publisher;
      nchan_channel_id $1;
      {buffer}
    }}
    location ~ ^/subscribe/(.+)$ {{
      nchan_subscriber intervalpoll;
      nchan_channel_id $1;
      nchan_subscriber_first_message oldest;
    }}
  }}
}}
"""


def main(host: str, port: str, buffer_length: str = "") -> int:
    """Return nginx's exit code."""

    def prepare(folder: Path) -> Sequence[str]:
        buffer = f"nchan_message_buffer_length {buffer_length};" if buffer_length else ""
        configuration = folder / "nginx.conf"
        said = CONFIGURATION.format(module=MODULE, folder=folder, host=host, port=port, buffer=buffer)
        configuration.write_text(said, encoding="utf-8")
        return ["/usr/sbin/nginx", "-p", str(folder), "-c", str(configuration)]

    return run_in_folder(prepare)


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
