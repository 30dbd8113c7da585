"""fulfillmenttools "User Management (Core)": users, roles, permissions with contexts, search; and its sign-in.

`contracts/fulfillmenttools.yaml` is the contract. Where to change what:

| | |
|---|---|
| `wire` | requests and answers, member by member |
| `mapping` | the directory's words and the wire's, both ways |
| `catalogue`, `catalogue.toml` | permission keys, what they mean in the directory, and the built-in roles |
| `auth` | whose token it is, and whether it has the documented permissions |
| `permissions` `roles` `users` `me` | the operations, by subject |
| `query`, `pages` | queries and orders of searches, and which part of the answer |
| `people` | users with what belongs to them |
| `identity`, `identity_errors` | sign-in and renewal as the identity toolkit has them: a small API of its own |
| `errors` | from every error to status and body |
"""

from typing import Final

from roster.dialects.fulfillmenttools import auth, catalogue, errors, me, permissions, roles, users
from roster.web.dialect import Dialect
from roster.web.operation import Operations

__all__ = ["dialect"]

_ops: Final = Operations()
for _each in (permissions, roles, users, me):
    _ops.include(_each.ops)

dialect: Final = Dialect(
    name=catalogue.NAME,
    title="fulfillmenttools",
    version="1.0.0",
    description="User Management (Core): users, roles and permissions with contexts. Sign-in has its own document.",
    operations=_ops,
    authenticate=auth.authenticate,
    render=errors.render,
    realm_in_path=True,
    exposed_headers=("WWW-Authenticate",),
    security_schemes=auth.SECURITY_SCHEMES,
    security=({"BearerToken": []},),
)
