"""Wellbee: people, sign-in and what belongs to them, as the services of the Fruster platform have them.

`contracts/wellbee/fruster.yaml` is the contract. The same operations are reached over HTTP, on the bus and over
websockets. Where to change what:

| | |
|---|---|
| `frame` | the envelope that answers stand in |
| `gateway` | what is done to every request over HTTP: paths, bodies; addresses of the gateway itself |
| `subjects`, `messages` | names of operations on the bus, those that exist there only; messages as requests |
| `auth`, `scopes` | who asks, and which scopes satisfy which |
| `catalogue`, `catalogue.toml` | scopes that operations need, default roles, and what they mean in the directory |
| `documents`, `shapes`, `writing` | people as documents, divided into users and profiles; documents as people |
| `roles`, `seeding` | names of roles and the scopes they give; roles made at the start |
| `accounts`, `uniqueness`, `lookup` | making, changing, deleting people; what only one may have; showing some |
| `interceptors` | services that see requests and answers on their way |
| `forwarding`, `nested` | requests that other services on the bus answer; query parameters as objects |
| `sockets`, `audience`, `web_bus` | websockets: requests that come in, messages that go out |
| `organisations` | what sockets may ask about organisations |
| `admin_users`, `system_roles`, `me` | operations over HTTP |
| `user_service`, `user_queries` | what services ask of people: changing them, finding them |
| `mongo`, `query`, `finding` | queries: their language, where fields are kept, lists of what is found |
| `aggregates`, `expressions` | aggregations over users: their stages, and what these make of documents |
| `mail` | mail that services want sent, and its templates |
| `bankid`, `freja`, `identification` | signing in and signing with electronic identifications |
| `foreign_gateways` | what gateways of others ask about answers |
| `audits`, `audit_query`, `notifications` | the audit trail; devices that take push messages, and sending |
| `files` | files that people upload |
| `schedule` | requests to services at certain times |
| `bus` | all this on the message bus |
| `payments` | what services ask of the account at Stripe |
| `refusals`, `errors` | what only this API refuses; from every error to status, code and title |
"""

from typing import Final

import msgspec

from roster.dialects.wellbee import (
    admin_users,
    audits,
    auth,
    auth_service,
    bankid,
    errors,
    files,
    foreign_gateways,
    frame,
    freja,
    gateway,
    interceptors,
    mail,
    me,
    notifications,
    organisations,
    passwords,
    payments,
    resets,
    schedule,
    session_list,
    sign_in,
    sockets,
    system_roles,
    two_factor,
    user_queries,
    user_service,
    verification,
    web_bus,
)
from roster.dialects.wellbee.catalogue import CATALOGUE
from roster.dialects.wellbee.refusals import NoJson
from roster.dialects.wellbee.signing_in import TwoTokens
from roster.web.dialect import Dialect
from roster.web.operation import Operations
from roster.web.sockets import Sockets

__all__ = ["CATALOGUE", "dialect", "on_bus"]

_ops: Final = Operations()
for _each in (
    gateway,
    sign_in,
    session_list,
    two_factor,
    passwords,
    verification,
    resets,
    bankid,
    freja,
    me,
    admin_users,
    user_queries,
    system_roles,
    mail,
    audits,
    notifications,
    payments,
    files,
):
    _ops.include(_each.ops)

_sockets: Final = Operations()
_sockets.include(_ops)
_sockets.include(organisations.services)

_on_bus: Final = Operations()
_on_bus.include(each for each in _sockets if each.tag != gateway.ops.tag)
for _each in (
    auth_service,
    bankid,
    foreign_gateways,
    user_service,
    user_queries,
    passwords,
    verification,
    resets,
    mail,
    payments,
    audits,
    notifications,
    web_bus,
    schedule,
    files,
):
    _on_bus.include(_each.services)

_http: Final = Dialect(
    name="wellbee",
    title="Wellbee API",
    version="1",
    description="Users, profiles, roles and sign-in, as the Fruster platform below Wellbee has them.",
    operations=_ops,
    authenticate=auth.authenticate,
    render=errors.render,
    wrap=frame.wrap,
    wrapped=frame.wrapped,
    slashes="both",
    resolve=gateway.address,
    as_json=gateway.as_json,
    elsewhere=gateway.ELSEWHERE,
    around=interceptors.around,
    ambient_query=("access_token",),
    fallback_errors=(TwoTokens, NoJson),
    exposed_headers=("X-Fruster-Req-Id",),
    security_schemes=auth.SECURITY_SCHEMES,
    security=({"Bearer": []}, {"Cookie": []}),
)
_over_sockets: Final = msgspec.structs.replace(_http, operations=_sockets)

dialect: Final = msgspec.structs.replace(_http, sockets=Sockets(sockets.talk, _over_sockets))

on_bus: Final = msgspec.structs.replace(
    _http, operations=_on_bus, authenticate=auth.of_message, around=None, elsewhere=None
)
"""The same for messages of the bus, with the operations that exist there only. What it does not know it does not ask
of the bus, where it would hear the same again."""
