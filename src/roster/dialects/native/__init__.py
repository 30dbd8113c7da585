"""The platform's own API: the whole directory, in JSON with snake_case members, problem details and cursors."""

from typing import Final

from roster.dialects.native import (
    addresses,
    api_keys,
    attributes,
    audit,
    auth,
    availability,
    devices,
    errors,
    events,
    exports,
    imports,
    invitations,
    label_categories,
    labels,
    me,
    members,
    messages,
    org_labels,
    org_roles,
    org_tokens,
    organisations,
    pages,
    permissions,
    places,
    realms,
    roles,
    sessions,
    sign_in,
    user_details,
    users,
)
from roster.web.dialect import Dialect
from roster.web.operation import Operations

_DESCRIPTION: Final = """The platform's own API, for its console, its command line and new applications.

Sign in with `POST /sign-in` and send `Authorization: Bearer …`; API keys and tokens of organisations go into the same
header. Tokens say which
realm they are for. Administrators of the main realm act in another one with the header `Roster-Realm: <slug>`.

Times are in UTC, in RFC 3339 with milliseconds. Lists come in pages: `limit`, and `cursor` with `next_cursor` of the
page before. Things with a version answer `ETag`; `If-Match` refuses a change of something newer (412).
Errors are problem details (RFC 9457) with a stable `code` and, for invalid input, one entry for each member in
`problems`.
"""

_operations = Operations()
for _subject in (
    sign_in,
    me,
    addresses,
    users,
    user_details,
    roles,
    permissions,
    places,
    organisations,
    members,
    invitations,
    org_roles,
    org_labels,
    org_tokens,
    availability,
    devices,
    labels,
    label_categories,
    sessions,
    api_keys,
    realms,
    attributes,
    audit,
    events,
    messages,
    imports,
    exports,
    pages,
):
    _operations.include(_subject.ops)

dialect: Final = Dialect(
    name="native",
    title="Roster",
    version="1",
    description=_DESCRIPTION,
    operations=_operations,
    authenticate=auth.authenticate,
    render=errors.render,
    exposed_headers=("ETag", "Location", "WWW-Authenticate"),
    security_schemes=auth.SECURITY_SCHEMES,
    security=({"bearer": []}, {"cookie": []}),
)
