"""Inviting people over HTTP, from the mail to the answer."""

import re

import httpx

from roster.core.realms.models import Realm
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.dialects.conftest import SignIn, signed_in

PASSWORD = "correct horse battery"


async def test_from_the_invitation_to_the_membership(
    client: httpx.AsyncClient, runtime: Runtime, realm: Realm, sign_in: SignIn
):
    host = await sign_in()
    org = (await client.post("/organisations", json={"name": "Medics <b>"}, headers=host.bearer)).json()
    asked = {"people": [{"email": "bo@example.com", "given_name": "Bo"}, {"email": "nonsense"}]}
    invited = await client.post(f"/organisations/{org['id']}/invitations", json=asked, headers=host.bearer)
    assert [(each["result"], each["problem"]) for each in invited.json()["items"]] == [
        ("invited", None),
        ("failed", "invalid_email"),
    ]
    token = await people.mailed_token(runtime, realm, "invitation")

    shown = await client.get("/pages/invitation", params={"token": token})
    assert "Medics &lt;b&gt; would like you" in shown.text
    weak = await client.post("/pages/invitation", data={"token": token, "password": "short"})
    assert "member now" not in weak.text
    foreign = await client.post("/invitations/accept", json={"token": token}, headers=host.bearer)
    assert (foreign.status_code, foreign.json()["code"]) == (403, "invitation_of_another")
    done = await client.post("/invitations/accept", json={"token": token, "password": PASSWORD, "family_name": "Ek"})
    again = await client.post("/invitations/accept", json={"token": token, "password": PASSWORD})

    assert (done.status_code, done.json()["state"]) == (200, "active")
    assert (again.status_code, again.json()["code"]) == (404, "invitation_not_found")
    signed = await client.post(
        "/sign-in", json={"username": "bo@example.com", "password": PASSWORD, "realm": realm.slug}
    )
    assert signed.status_code == 200
    members = (await client.get(f"/organisations/{org['id']}/members", headers=host.bearer)).json()["items"]
    assert len(members) == 2


async def test_one_sees_ones_own_invitations_and_declines(
    client: httpx.AsyncClient, runtime: Runtime, realm: Realm, sign_in: SignIn
):
    host = await sign_in()
    org = (await client.post("/organisations", json={"name": "Medics"}, headers=host.bearer)).json()
    eva = await signed_in(
        runtime, realm, await factories.a_person(runtime, realm, email="eva@example.com", email_verified=True)
    )
    people_asked = {"people": [{"email": "eva@example.com"}]}
    await client.post(f"/organisations/{org['id']}/invitations", json=people_asked, headers=host.bearer)
    [mine] = (await client.get("/me/invitations", headers=eva.bearer)).json()["items"]
    assert (mine["org_id"], mine["org_name"]) == (org["id"], "Medics")
    page = await client.get("/pages/invitation", params={"token": mine["token"]})
    assert re.search("password", page.text) is None

    declined = await client.post("/pages/invitation", data={"token": mine["token"], "answer": "no"})

    assert "declined" in declined.text
    assert (await client.get("/me/invitations", headers=eva.bearer)).json()["items"] == []


async def test_more_than_a_few_are_invited_in_the_background(client: httpx.AsyncClient, sign_in: SignIn):
    host = await sign_in()
    org = (await client.post("/organisations", json={"name": "Medics"}, headers=host.bearer)).json()
    crowd = {"people": [{"email": f"p{number}@example.com"} for number in range(11)]}

    refused = await client.post(f"/organisations/{org['id']}/invitations", json=crowd, headers=host.bearer)
    asked = await client.post(f"/organisations/{org['id']}/invitation-batches", json=crowd, headers=host.bearer)
    batch = asked.json()
    path = f"/organisations/{org['id']}/invitation-batches/{batch['id']}"

    assert refused.status_code == 400
    assert (asked.status_code, batch["state"], batch["people"]) == (202, "queued", 11)
    assert (await client.get(path, headers=host.bearer)).json() == batch
