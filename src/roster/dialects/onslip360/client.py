"""Who asks, for which account, and what they may do (contract, tag Client)."""

from msgspec import UNSET

from roster.core.credentials import service as credentials
from roster.core.devices import service as devices
from roster.core.realms import service as realms
from roster.core.users import numbers as people
from roster.core.users import service as users
from roster.dialects.onslip360 import catalogue, lookup, replies, tills, tokens, wire
from roster.dialects.onslip360.mapping import people as mapping
from roster.kit.errors import Forbidden
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.reply import Reply
from roster.web.request import Request

ops = Operations(tag="Client")


@ops.get("/~{realm}", id="getClientInfo", errors=(Forbidden,))
async def client_info(tx: Tx, request: Request) -> wire.ClientInfo:
    """Who am I.

    The user that the request acts for, the account, and all permissions that count now.
    """
    company = mapping.company_out(await realms.current(tx))
    user_id = tx.actor.acting_for or tx.actor.user_id
    user = await users.tx_maybe(tx, user_id) if user_id else None
    return wire.ClientInfo(
        company=company,
        user=UNSET if user is None else await lookup.one(tx, user),
        access_token=await _access_token(tx),
        till=await _till(tx),
        service_endpoints=[],
        system_params=wire.SystemParams(request.public_url + "/"),
        merchant_params=wire.MerchantParams(),
        company_config=wire.CompanyConfig(company.id, company.created, company.updated),
        permissions=catalogue.held(tx.actor),
    )


async def _access_token(tx: Tx) -> object:
    """The token that signed the request, which stays its own user's when that acts for another."""
    found = await credentials.presented(tx)
    if found is None:
        return UNSET
    numbers = await people.of(tx, [found.user_id])
    return (await tokens.shown(tx, numbers[found.user_id], [found]))[0]


async def _till(tx: Tx) -> object:
    """The trusted device that took part."""
    if tx.actor.origin.device_id is None:
        return UNSET
    return (await tills.shown(tx, [await devices.get(tx, tx.actor.origin.device_id)]))[0]


@ops.get("/~{realm}/company", id="getCompanyInfo", errors=(Forbidden,), returns=wire.Company)
async def company_info(tx: Tx, request: Request) -> Reply:
    """The account of the realm."""
    realm = await realms.current(tx)
    return replies.shown(request, mapping.company_out(realm), replies.tag("c", realm.number, realm.version))
