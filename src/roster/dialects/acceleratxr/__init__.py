"""The account services of AcceleratXR: users, secrets, sign-in, roles and permission lists.

`contracts/acceleratxr.yaml` is the contract. Where to change what:

| | |
|---|---|
| `wire` | requests and answers, member by member |
| `mapping` | the directory's words and the wire's, both ways |
| `auth`, `catalogue.toml` | who asks, and what permission lists of classes give them |
| `lookup` | what stands in a path, and what belongs to a person |
| `query` | criteria, order and page |
| `users` `secrets` `authentication` `roles` `acls` | the operations, by the contract's tags |
| `pages` | what people see who follow a link in a message |
| `errors` | from every error to status and code |
"""

from roster.dialects.acceleratxr import acls, auth, authentication, errors, roles, secrets, users
from roster.web.dialect import Dialect
from roster.web.operation import Operations

__all__ = ["dialect"]

_ops = Operations()
for _each in (users, secrets, authentication, roles, acls):
    _ops.include(_each.ops)

dialect = Dialect(
    name="acceleratxr",
    title="AcceleratXR account services",
    version="1.0.0-beta",
    description="Users, their secrets, sign-in, roles and permission lists, as account services 1.0.0-beta has them.",
    operations=_ops,
    authenticate=auth.authenticate,
    render=errors.render,
    slashes="both",
    ambient_query=(auth.QUERY_TOKEN,),
    security_schemes=auth.SECURITY_SCHEMES,
    security=({"jwt": []}, {"jwtQuery": []}, {"jwtCookie": []}),
)
