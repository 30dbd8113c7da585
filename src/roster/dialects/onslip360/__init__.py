"""Onslip 360: users, roles, labels, tills, keys and the OAuth flow of its API, version 1.

`contracts/onslip360.yaml` is the contract. Where to change what:

| | |
|---|---|
| `wire`, `wire_oauth`, `reading` | requests and answers, member by member; extended properties beside them |
| `mapping` | the directory's words and the wire's, both ways |
| `catalogue`, `catalogue.toml` | permission names, what they mean in the directory, system roles |
| `address`, `auth` | formats, moments and methods in addresses; who asks |
| `query`, `grammar` | filter language, order and page |
| `lookup`, `replies` | from integers to entities; entity tags |
| `users` `client` `roles` `categories` `labels` | operations, by the contract's tags |
| `tills` `tokens` `credentials` `integrations` `health` | more of these |
| `pages`, `consent` | what people see in a browser, beside the API |
| `errors` | from every error to status and code |
"""

from roster.dialects.onslip360 import (
    address,
    auth,
    categories,
    client,
    consent,
    credentials,
    errors,
    health,
    integrations,
    labels,
    pages,
    roles,
    tills,
    tokens,
    users,
)
from roster.dialects.onslip360.catalogue import CATALOGUE
from roster.web.dialect import Dialect
from roster.web.errors import NotAcceptable
from roster.web.operation import Operations

__all__ = ["CATALOGUE", "PAGES", "dialect"]

PAGES = {pages.RESET: pages.PASSWORD_RESET, "/oauth-authorization": consent.CONSENT}
"""What stands beside the API, for people with a browser: by the last part of its address."""

_ops = Operations()
for _each in (users, client, roles, categories, labels, tills, tokens, credentials, integrations, health):
    _ops.include(_each.ops)

dialect = Dialect(
    name="onslip360",
    title="Onslip 360 API",
    version="1",
    description="Users and what a client of Onslip 360 needs besides. Requests are signed with Hawk.",
    operations=_ops,
    authenticate=auth.authenticate,
    render=errors.render,
    realm_in_path=True,
    slashes="both",
    query_separators=";&",
    resolve=address.resolve,
    exposed_headers=address.EXPOSED,
    fallback_errors=(NotAcceptable,),
    security_schemes=auth.SECURITY_SCHEMES,
    security=({"hawk": []},),
)
