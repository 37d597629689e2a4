"""HTTP requests of the strangers' adapters: what came back, or the exception that an adapter must raise."""

from __future__ import annotations

from harness.adapters import Adapter, Answer, Refused, Site, Unavailable
from harness.adapters.http import Http, Request


class Asking(Adapter):
    """An adapter that makes HTTP requests, each only once."""

    def __init__(self, site: Site, username: str, password: str) -> None:
        super().__init__(site, username, password)
        self._http = Http(site.urls, timeout_s=self.timeout_s)

    def ask(self, request: Request, *, ok: tuple[int, ...] = (200,)) -> Answer:
        """Return the answer to a request. Raise OSError, Refused or Unavailable for one without success."""
        answer = self._http(request)
        if answer.status is None:
            raise TimeoutError(answer.error) if answer.error == "timeout" else ConnectionError(answer.error)
        if answer.status in ok:
            return answer
        said = f"{request.method} {request.path} was answered {answer.status}: {answer.text[:200]}"
        if 400 <= answer.status < 500 and answer.status != 429:
            raise Refused(said, status=answer.status)
        raise Unavailable(said)

    def close(self) -> None:
        """Close the idle connections."""
        self._http.close()
