"""What a store's URL may say: used, overruled, or refused with a sentence that shows nothing secret."""

from __future__ import annotations

import pytest

from reference_server.config import Config
from reference_server.setting import ConfigError

SECRET = "s" * 32


def config(**environment: str) -> Config:
    return Config.from_env({"SECRET_KEY": SECRET, **environment})


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:6379/0",
        "redis://:p%40ss@redis.example:6379",
        "redis://user:pa:ss@redis.example",
        "rediss://redis.example/3?ssl_cert_reqs=required&ssl_ca_certs=%2Fetc%2Fca.pem",
        "redis://redis.example?db=5&client_name=chat",
        "unix:///run/redis.sock?db=2",
        "unix://user:secret@/run/redis.sock",
        "redis+sentinel://a.example/mymaster",
        "redis+sentinel://user:p%40ss@a.example:26379,b.example:1,[::1]:26379/chat.main_1-x/3?client_name=chat",
        "redis+sentinel://a.example/mymaster/?db=5&sentinel_username=u&sentinel_password=p%2Fw",
        "rediss+sentinel://a.example,b.example/mymaster/0?ssl_ca_certs=%2Fetc%2Fca.pem",
    ],
)
def test_a_redis_url_that_says_where_and_who_is_used_as_it_is(url: str) -> None:
    assert config(REDIS_URL=url).redis_url == url


@pytest.mark.parametrize(
    "url",
    [
        "mongodb://127.0.0.1:27017/",
        "mongodb://a.example,b.example:27018/?replicaSet=rs0",
        "mongodb://user:p%40ss%3Aw@a.example/chat?authSource=admin&tls=true&tlsCAFile=%2Fetc%2Fca.pem",
        "mongodb+srv://cluster.example/?appName=chat",
        "mongodb://[::1]:27017/?directConnection=true&compressors=zlib,snappy",
    ],
)
def test_a_mongodb_url_that_says_where_and_who_is_used_as_it_is(url: str) -> None:
    assert config(MONGODB_URL=url).mongodb_url == url


@pytest.mark.parametrize(
    "parameter",
    [
        "readPreference=secondaryPreferred",
        "readPreference=secondary&readPreferenceTags=dc:a&readPreferenceTags=",
        "maxStalenessSeconds=120",
        "readConcernLevel=available",
        "w=0",
        "W=1&wTimeoutMS=1&journal=false",
        "retryWrites=true&retryReads=true",
        "timeoutMS=1&socketTimeoutMS=1&serverSelectionTimeoutMS=1&connectTimeoutMS=1",
        "uuidRepresentation=standard&tz_aware=true&unicode_decode_error_handler=ignore",
    ],
)
def test_what_would_undo_a_promise_of_mongodb_is_taken_out(parameter: str) -> None:
    assert config(MONGODB_URL=f"mongodb://a/?{parameter}").mongodb_url == "mongodb://a/"
    kept = config(MONGODB_URL=f"mongodb://a/?{parameter}&replicaSet=rs0").mongodb_url
    assert kept == "mongodb://a/?replicaSet=rs0"


@pytest.mark.parametrize(
    "parameter",
    [
        "decode_responses=True",
        "encoding=utf-16",
        "encoding_errors=ignore",
        "protocol=3",
        "socket_timeout=60",
        "retry_on_timeout=yes",
        "max_connections=1",
        "health_check_interval=0",
        "socket_connect_timeout=60",
    ],
)
def test_what_would_undo_a_promise_of_redis_is_taken_out(parameter: str) -> None:
    for url in ("redis://a:1/0", "redis+sentinel://a:1,b:1/mymaster"):
        assert config(REDIS_URL=f"{url}?{parameter}").redis_url == url


@pytest.mark.parametrize(
    ("variable", "url", "sentence"),
    [
        ("MONGODB_URL", "mongodb://u:s3cr@t@a/", "must be escaped: write %40 for `@`"),
        ("MONGODB_URL", "mongodb://u:s3cr:t@a/", "must be escaped"),
        ("MONGODB_URL", "mongodb://u:12/s3cr@a/", "must not contain `@` behind the host"),
        ("MONGODB_URL", "mongodb://u:12?s3cr@a/", "must not contain `@` behind the host"),
        ("MONGODB_URL", "mongodb://u:s3cr%t@a/", "write %25 for `%`"),
        ("MONGODB_URL", "mongodb://u:s3cr#t@a/", "must not contain `#`"),
        ("MONGODB_URL", "mongodb://a..b/", "must be a URL like"),
        ("MONGODB_URL", "mongodb://a:0/", "must be a URL like"),
        ("MONGODB_URL", "mongodb://a:65536/", "must be a URL like"),
        ("MONGODB_URL", "mongodb:///", "must be a URL like"),
        ("MONGODB_URL", "http://a/", "must be a URL like"),
        ("MONGODB_URL", "mongodb://" + "a" * 64 + "/", "must be a URL like"),
        ("MONGODB_URL", "mongodb://a/?readPreferance=primary", "unknown parameter 'readpreferance'"),
        ("MONGODB_URL", "mongodb://a/?loadBalanced=true", "unknown parameter 'loadbalanced'"),
        ("MONGODB_URL", "mongodb://a/?replicaSet", "not of the form name=value"),
        ("MONGODB_URL", "mongodb://a/?replicaSet=a&replicaset=b", "more than once"),
        ("MONGODB_URL", "mongodb://a/?tls=banana", "illegal value of the parameter 'tls'"),
        ("MONGODB_URL", "mongodb://a/?authMechanism=s3cr", "illegal value of the parameter 'authmechanism'"),
        ("REDIS_URL", "redis://a:1/?foo=1", "unknown parameter 'foo'"),
        ("REDIS_URL", "redis://a:1/zero", "what follows the `/` is not legal"),
        ("REDIS_URL", "redis://a:1,b:2/0", "must be a URL like"),
        ("REDIS_URL", "redis://a:1/0?ssl_cert_reqs=none", "which is for rediss:// only"),
        (
            "REDIS_URL",
            "rediss://a:1/0?ssl_cert_reqs=banana",
            "illegal value of the parameter 'ssl_cert_reqs'",
        ),
        ("REDIS_URL", "redis://a:1/0?db=x", "illegal value of the parameter 'db'"),
        ("REDIS_URL", "redis://:s3cr@a..b/0", "must be a URL like"),
        ("REDIS_URL", "unix://run/redis.sock", "must be a URL like"),
        ("REDIS_URL", "sentinel://a/mymaster", "or redis+sentinel://HOST:26379,…/SERVICE"),
        ("REDIS_URL", "redis+sentinel://a:26379", "what follows the `/` is not legal"),
        ("REDIS_URL", "redis+sentinel://a:26379/", "what follows the `/` is not legal"),
        ("REDIS_URL", "redis+sentinel://a/my master", "what follows the `/` is not legal"),
        ("REDIS_URL", "redis+sentinel://a/mymaster/zero", "what follows the `/` is not legal"),
        ("REDIS_URL", "redis+sentinel://a/mymaster/0/1", "what follows the `/` is not legal"),
        ("REDIS_URL", "redis+sentinel://a/" + "m" * 256, "what follows the `/` is not legal"),
        ("REDIS_URL", "redis+sentinel:///mymaster", "must be a URL like redis+sentinel://HOST"),
        ("REDIS_URL", "redis+sentinel://a:1,,b:1/mymaster", "must be a URL like redis+sentinel://HOST"),
        ("REDIS_URL", "redis+sentinel://a:0/mymaster", "must be a URL like redis+sentinel://HOST"),
        ("REDIS_URL", "redis+sentinel://:s3cr%t@a/mymaster", "write %25 for `%`"),
        ("REDIS_URL", "redis+sentinel://:s3cr@t@a/mymaster?foo=1", "unknown parameter 'foo'"),
        (
            "REDIS_URL",
            "redis+sentinel://a/mymaster?ssl_cert_reqs=none",
            "which is for rediss+sentinel:// only",
        ),
        ("REDIS_URL", "redis://a/0?sentinel_password=s3cr", "unknown parameter 'sentinel_password'"),
    ],
)
def test_what_cannot_be_honoured_is_refused_with_one_sentence(variable: str, url: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        config(**{variable: url})
    said = str(refused.value)
    assert said.startswith(f"{variable} ")
    assert sentence in said
    assert "\n" not in said
    assert "s3cr" not in said
