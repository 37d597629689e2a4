"""The URL of a store: which of its parameters are used, which are overruled, and which are refused.

A parameter is *used* if it says how to reach the store, or holds credentials. It is *overruled*, that is
removed, if it could break the server's promises (durability, bounded waits, the format of replies). Any other
parameter is refused, because the driver would ignore it or fail at each request. This module is pure: the
master process imports it, and must not import a driver.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, quote

_HOST_AND_PORT = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\s\[\]:/]+)(?::([0-9]{1,5}))?")


class UrlError(ValueError):
    """A URL that cannot be used. The text completes "REDIS_URL …" and contains no part of a secret."""


@dataclass(frozen=True)
class UrlRules:
    """The legal URLs of one kind of store. Parameter names are in lower case."""

    schemes: tuple[str, ...]
    used: Mapping[str, str]
    """Each parameter's legal values, as a regular expression that ignores case."""
    tls: Mapping[str, str]
    """The same for parameters of encrypted connections."""
    tls_schemes: tuple[str, ...]
    overruled: str
    """Parameter names, as a regular expression."""
    many_hosts: bool = False
    lower_case: bool = False
    """Whether the driver accepts parameter names in lower case only."""
    escaped_password: bool = False
    """Whether the driver refuses unescaped special characters in a user name or password."""
    path: str = r".*"
    shape: str = "…"
    """What stands behind `://`, for people."""

    @property
    def legal(self) -> str:
        """The legal URLs, as the end of a sentence."""
        return legal_urls([self])

    def cleaned(self, url: str) -> str:
        """Return the URL without overruled parameters. Raise UrlError."""
        scheme, _, rest = url.partition("://")
        if scheme not in self.schemes:
            raise UrlError(f"must be {self.legal}.")
        rest, hash_sign, _ = rest.partition("#")
        if hash_sign:
            raise UrlError("must not contain `#`: write %23 in a password.")
        address, question_mark, query = rest.partition("?")
        self._check_address(scheme, address)
        if "@" in query:
            raise UrlError("must not contain `@` behind the host: write %40, and %3F for `?`, in a password.")
        kept = self._kept(scheme, query)
        return f"{scheme}://{address}" + (question_mark + kept if kept else "")

    def _check_address(self, scheme: str, address: str) -> None:
        if scheme == "unix":
            if not address.rpartition("@")[2].startswith("/"):
                raise UrlError(f"must be {self.legal}.")
            return
        authority, _, path = address.partition("/")
        credentials, _, hosts = authority.rpartition("@")
        if "@" in path:
            raise UrlError("must not contain `@` behind the host: write %40, and %2F for `/`, in a password.")
        if self.escaped_password and ("@" in credentials or credentials.count(":") > 1):
            raise UrlError(
                "has a user name or password that must be escaped: write %40 for `@`, %3A for `:`."
            )
        if re.search(r"%(?![0-9A-Fa-f]{2})", credentials):
            raise UrlError("has a user name or password that must be escaped: write %25 for `%`.")
        several = hosts.split(",")
        if not all(map(_is_host_and_port, several)) or (len(several) > 1 and not self.many_hosts):
            raise UrlError(f"must be {self.legal}.")
        if not re.fullmatch(self.path, path):
            raise UrlError(f"must be {self.legal}: what follows the `/` is not legal.")

    def _kept(self, scheme: str, query: str) -> str:
        try:
            pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), max_num_fields=100)
        except ValueError as error:
            raise UrlError("has parameters that are not of the form name=value&name=value.") from error
        used = {**self.used, **(self.tls if scheme in self.tls_schemes else {})}
        names = [name.lower() for name, _ in pairs]
        for name, (_, value) in zip(names, pairs, strict=True):
            if re.fullmatch(self.overruled, name):
                continue
            if name in self.tls and name not in used:
                raise UrlError(f"has the parameter {name!r}, which is for {self.tls_schemes[0]}:// only.")
            if name not in used:
                raise UrlError(
                    f"has the unknown parameter {name[:40]!r}; known parameters: {', '.join(sorted(used))}."
                )
            if names.count(name) > 1:
                raise UrlError(f"has the parameter {name!r} more than once.")
            if not re.fullmatch(used[name], value, re.IGNORECASE):
                raise UrlError(f"has an illegal value of the parameter {name!r}.")
        spelled = names if self.lower_case else [name for name, _ in pairs]
        return "&".join(
            f"{name}={quote(value, safe=':,')}"
            for name, (_, value) in zip(spelled, pairs, strict=True)
            if name.lower() in used
        )


def legal_urls(kinds: Sequence[UrlRules]) -> str:
    """Return the legal URLs of these kinds, as the end of a sentence."""
    shapes = [f"{scheme}://{kind.shape}" for kind in kinds for scheme in kind.schemes]
    return f"a URL like {' or '.join(shapes)}"


def cleaned(url: str, kinds: Sequence[UrlRules]) -> str:
    """Return the URL without overruled parameters, by the rules of its scheme. Raise UrlError."""
    for kind in kinds:
        if url.partition("://")[0] in kind.schemes:
            return kind.cleaned(url)
    raise UrlError(f"must be {legal_urls(kinds)}.")


def _is_host_and_port(text: str) -> bool:
    match = _HOST_AND_PORT.fullmatch(text)
    if match is None or not 1 <= int(match[1] or 1) <= 65535:
        return False
    if text.startswith("["):
        return _is_ipv6(text[1 : text.index("]")])
    host = text.rpartition(":")[0] or text
    try:
        return bool(host.removesuffix(".").encode("idna"))
    except UnicodeError:  # a label between dots that is empty or has over 63 bytes
        return False


def _is_ipv6(text: str) -> bool:
    try:
        return bool(ipaddress.IPv6Address(text))
    except ValueError:
        return False


_TEXT = r".+"
_BOOLEAN = r"true|false"
_NUMBER = r"[0-9]{1,6}"

REDIS_URL = UrlRules(
    schemes=("redis", "rediss", "unix"),
    used={"db": r"[0-9]{1,5}", "username": _TEXT, "password": _TEXT, "client_name": r"[!-~]+"},
    tls={
        **dict.fromkeys(
            ("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile", "ssl_password"), _TEXT
        ),
        "ssl_cert_reqs": r"none|optional|required",
        "ssl_check_hostname": _BOOLEAN,
    },
    tls_schemes=("rediss",),
    overruled=(
        r"decode_responses|encoding|encoding_errors|protocol|driver_info|lib_name|"
        r"lib_version|socket_timeout|socket_connect_timeout|socket_keepalive|"
        r"socket_read_size|timeout|retry|retry_on_timeout|retry_on_error|max_connections|"
        r"health_check_interval|single_connection_client"
    ),
    lower_case=True,
    path=r"|[0-9]{1,5}/?",
)

REDIS_SENTINEL_URL = replace(
    REDIS_URL,
    schemes=("redis+sentinel", "rediss+sentinel"),
    used={**REDIS_URL.used, "sentinel_username": _TEXT, "sentinel_password": _TEXT},
    tls_schemes=("rediss+sentinel",),
    overruled=REDIS_URL.overruled + r"|min_other_sentinels|force_master_ip|is_master|check_connection",
    many_hosts=True,
    path=r"[A-Za-z0-9._-]{1,255}(/|/[0-9]{1,5}/?)?",
    shape="HOST:26379,…/SERVICE",
)
"""The sentinels, and the name by which they know the primary; Sentinel allows these characters in names."""

REDIS_CLUSTER_URL = replace(
    REDIS_URL,
    schemes=("redis+cluster", "rediss+cluster"),
    used={name: legal for name, legal in REDIS_URL.used.items() if name != "db"},  # a cluster has only one
    tls_schemes=("rediss+cluster",),
    many_hosts=True,
    path=r"",
    shape="HOST:6379,…",
)

REDIS_URLS = (REDIS_URL, REDIS_SENTINEL_URL, REDIS_CLUSTER_URL)
"""By these a Redis can be reached: see adapters/redis_clients.py."""


def is_cluster(url: str) -> bool:
    """Return whether a legal REDIS_URL is that of a Redis Cluster."""
    return url.partition("://")[0] in REDIS_CLUSTER_URL.schemes


MONGODB_URL = UrlRules(
    schemes=("mongodb", "mongodb+srv"),
    used={
        **dict.fromkeys(("replicaset", "appname", "authsource", "authmechanismproperties"), _TEXT),
        "authmechanism": r"SCRAM-SHA-1|SCRAM-SHA-256|MONGODB-X509|PLAIN|GSSAPI|MONGODB-AWS|MONGODB-OIDC",
        "directconnection": _BOOLEAN,
        "compressors": r"(snappy|zlib|zstd)(,(snappy|zlib|zstd))*",
        "zlibcompressionlevel": r"-1|[0-9]",
        "maxpoolsize": r"[1-9][0-9]{0,4}",
        **dict.fromkeys(("minpoolsize", "maxidletimems"), _NUMBER),
        "maxconnecting": r"[1-9][0-9]{0,3}",
    },
    tls={
        **dict.fromkeys(("tls", "ssl", "tlsinsecure", "tlsdisableocspendpointcheck"), _BOOLEAN),
        **dict.fromkeys(("tlsallowinvalidcertificates", "tlsallowinvalidhostnames"), _BOOLEAN),
        **dict.fromkeys(("tlscafile", "tlscrlfile", "tlscertificatekeyfile"), _TEXT),
        "tlscertificatekeyfilepassword": _TEXT,
    },
    tls_schemes=("mongodb", "mongodb+srv"),
    overruled=(
        r"readpreference|readpreferencetags|maxstalenessseconds|readconcernlevel|w|"
        r"wtimeoutms|wtimeout|journal|j|fsync|retrywrites|retryreads|timeoutms|"
        r"sockettimeoutms|connecttimeoutms|serverselectiontimeoutms|waitqueuetimeoutms|"
        r"waitqueuemultiple|heartbeatfrequencyms|localthresholdms|servermonitoringmode|"
        r"tz_aware|uuidrepresentation|unicode_decode_error_handler|datetime_conversion|"
        r"document_class|connect"
    ),
    many_hosts=True,
    escaped_password=True,
)
