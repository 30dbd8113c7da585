"""GroupAlarm: accounts, two-factor login, sessions, organisations and who belongs to them.

`contracts/groupalarm.yaml` is the contract. Where to change what:

| | |
|---|---|
| `wire`, `wire_organizations` `_rbac` `_availability` `_labels` | requests and answers, member by member |
| `mapping`, `mapping_labels` | the directory's words and the wire's, both ways |
| `auth` | who asks, and which credential is good for what |
| `lookup`, `prefixes` | from numbers to organisations and people; paths without their prefix |
| `login` `activation` `addresses` `mfa` `me` `availability` `personal_tokens` | operations of the caller |
| `organizations` `members` `invitation_texts` `invitations` `roles` `tokens` `labels` | operations of organisations |
| `catalogue`, `catalogue.toml`, `entries` | services and methods, default roles; access entries and permissions |
| `pages`, `qr` | what people see who follow a link; pictures for authenticators |
| `replies` | answers without data, pages of lists |
| `errors`, `texts`, `texts.toml` | from every error to status and envelope; what people read, in three languages |
"""

from typing import Final

from roster.dialects.groupalarm import (
    activation,
    addresses,
    auth,
    availability,
    errors,
    invitation_texts,
    invitations,
    labels,
    login,
    me,
    members,
    mfa,
    organizations,
    personal_tokens,
    prefixes,
    roles,
    tokens,
)
from roster.dialects.groupalarm.catalogue import CATALOGUE
from roster.dialects.groupalarm.errors import NotActivated
from roster.web.dialect import Dialect
from roster.web.operation import Operations

__all__ = ["CATALOGUE", "dialect"]

_ops: Final = Operations()
for _each in (
    login,
    activation,
    addresses,
    mfa,
    me,
    availability,
    personal_tokens,
    organizations,
    members,
    invitation_texts,
    invitations,
    roles,
    tokens,
    labels,
):
    _ops.include(_each.ops)

dialect: Final = Dialect(
    name="groupalarm",
    title="GroupAlarm API",
    version="1",
    description="Users, organisations and what belongs to them, as GroupAlarm's User API has them.",
    operations=_ops,
    authenticate=auth.authenticate,
    render=errors.render,
    slashes="both",
    resolve=prefixes.resolve,
    exposed_headers=("WWW-Authenticate", "Retry-After"),
    fallback_errors=(NotActivated,),
    security_schemes=auth.SECURITY_SCHEMES,
    security=({"BearerJwt": []}, {"PersonalAccessToken": []}, {"ApiToken": []}),
)
