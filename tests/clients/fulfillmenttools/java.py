"""What the community's Java SDK puts on the wire, by its source: how it signs in, renews, repeats and pages."""

import json
from collections.abc import Iterator
from time import time
from typing import Any

import httpx

from tests import processes
from tests.clients.fulfillmenttools.conftest import Tenant

EARLY = 60
"""Seconds before its end that a token is renewed."""


class Refused(Exception):
    """The SDK's exceptions, by status; `problems` is the body as it reads it."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__(answer.text)
        self.status = answer.status_code
        self.request_id = answer.headers.get("x-request-id")
        self.problems = [problem["summary"] for problem in answer.json()]


class SignInRefused(Exception):
    """The sign-in or the renewal failed."""


class Java:
    """The SDK with its base address, and with the hosts of the sign-in, set to a server."""

    def __init__(self, tenant: Tenant, username: str, password: str) -> None:
        self._http = httpx.Client(timeout=processes.PATIENCE)
        self._api = f"{tenant.server}/fulfillmenttools/{tenant.name}"
        self._sign_in = f"{tenant.server}/identitytoolkit.googleapis.com/v1/accounts:signInWithPassword"
        self._renew = f"{tenant.server}/securetoken.googleapis.com/v1/token"
        self._key = {"key": tenant.key}
        self._credentials = {"email": f"{username}@{tenant.name}.com", "password": password, "returnSecureToken": True}
        self.token = self.renewal_token = ""
        self._ends = 0.0
        self.calls: list[str] = []

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def list(self, **request: object) -> dict[str, Any]:
        """One page of people."""
        return self.ask("GET", "/api/users", params=request)

    def list_all(self, **request: object) -> Iterator[dict[str, Any]]:
        """People of all pages: the end of one is where the next begins, until it is empty."""
        page = self.list(**request)
        yield from page["users"]
        while cursor := page.get("pageInfo", {}).get("endCursor"):
            page = self.list(**request, startAfterId=cursor)
            assert page.get("pageInfo", {}).get("endCursor") != cursor, "the SDK would ask for this page for ever"
            yield from page["users"]

    def ask(self, method: str, path: str, **what: Any) -> Any:
        """Call the API; a 401 is answered with a renewal, once."""
        answer = self._send(method, path, **what)
        if answer.status_code == 401:
            self._ends = 0
            answer = self._send(method, path, **what)
        if not answer.is_success:
            raise Refused(answer)
        return json.loads(answer.content, parse_float=_no_integer) if answer.content else None

    def _send(self, method: str, path: str, **what: Any) -> httpx.Response:
        if time() >= self._ends - EARLY:
            self._get_token()
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        answer = self._http.request(method, self._api + path, headers=headers, **what)
        self.calls.append(f"{method} {path} {answer.status_code}")
        return answer

    def _get_token(self) -> None:
        if self.renewal_token:
            form = {"grant_type": "refresh_token", "refresh_token": self.renewal_token}
            given = self._identity(self._renew, data=form)
            self.token, self.renewal_token, lasts = given["id_token"], given["refresh_token"], given["expires_in"]
        else:
            given = self._identity(self._sign_in, json=self._credentials)
            self.token, self.renewal_token, lasts = given["idToken"], given["refreshToken"], given["expiresIn"]
        self._ends = time() + int(lasts)

    def _identity(self, address: str, **body: Any) -> dict[str, str]:
        answer = self._http.post(address, params=self._key, **body)
        self.calls.append(f"{address.rpartition('/')[2]} {answer.status_code}")
        if answer.status_code != 200:
            raise SignInRefused(answer.json()["error"]["message"])
        return answer.json()


def _no_integer(text: str) -> float:
    """Versions are read as Java integers, which 1.0 is not."""
    raise AssertionError(f"{text} is no integer")
