"""A client generated from the contract: every operation with its typed body, every answer read as it is documented."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.clients.conftest import Generate
from tests.clients.fulfillmenttools.conftest import Tenant, Tenants
from tests.clients.generator import Client

PASSWORD = "pine-Lantern-42"
NEW_PASSWORD = "cedar-Rocket-77"
MUC, BER = "fac-muc-01", "fac-ber-02"
HOST = "identitytoolkit.googleapis.com"

Call = Callable[..., Any]


@pytest.fixture(scope="module")
def made(generate: Generate) -> Client:
    """The client."""
    return generate("fulfillmenttools.yaml")


@pytest.fixture(scope="module")
def tenant(make_tenant: Tenants) -> Tenant:
    """Its tenant."""
    return make_tenant()


class Driver:
    """Drives the client in the order in which an application would; `said` is what came back, by step."""

    def __init__(self, client: Client, tenant: Tenant) -> None:
        self.client, self.tenant, self.models = client, tenant, client.models
        self.said: dict[str, Any] = {}
        identity = client.at(f"{tenant.server}/{HOST}")
        self.identity: Call = partial(client.call, identity, key=tenant.key)
        self.tokens: Call = partial(client.call, client.at(f"{tenant.server}/securetoken.googleapis.com"))

    def note(self, step: str, answer: Any) -> Any:
        """Keep an answer for the tests."""
        self.said[step] = answer
        return answer

    def sign_in(self, username: str, password: str) -> Any:
        """Tokens of somebody."""
        body = self.models.SignInRequest(f"{username}@{self.tenant.name}.com", password, True)
        return self.identity("signInWithPassword", body=body)

    def acting(self, token: str) -> Call:
        """Calls of the API with somebody's token."""
        asking = self.client.at(f"{self.tenant.server}/fulfillmenttools/{self.tenant.name}", token)
        return partial(self.client.call, asking)

    def context(self, *facilities: str) -> list[Any]:
        """Limits to these facilities."""
        return [self.models.ContextLimitation(self.models.ContextType.FACILITY, list(facilities))]


def signing_in(driver: Driver) -> Call:
    """Tokens by password, by renewal, by an external account, by a second factor; then as the administrator."""
    m = driver.models
    tokens = driver.note("sign in", driver.sign_in(driver.tenant.username, driver.tenant.password))
    body = m.RefreshRequest("refresh_token", tokens.refresh_token)
    driver.note("renewal", driver.tokens("refreshToken", key=driver.tenant.key, body=body))
    refused = m.SignInRequest(f"nobody@{driver.tenant.name}.com", PASSWORD)
    driver.note("nobody", driver.identity("signInWithPassword", status=400, body=refused))
    external = m.SignInWithIdpRequest("id_token=x&providerId=oidc.external.none", "http://localhost")
    driver.note("external", driver.identity("signInWithIdp", status=400, body=external))
    second = m.FinalizeRequest.from_dict(
        {"mfaPendingCredential": "none", "mfaEnrollmentId": "none", "totpVerificationInfo": {"verificationCode": "1"}}
    )
    driver.note("second factor", driver.identity("finalizeMfaSignIn", status=400, body=second))
    return driver.acting(tokens.id_token)


def roles(driver: Driver, ask: Call) -> None:
    """A role from its making to its end."""
    m = driver.models
    keys = [m.PermissionKey.CURRENT_USER_READ, m.PermissionKey.CURRENT_USER_MODIFY, m.PermissionKey.STOCK_READ]
    draft = m.RoleForCreation("COUNTER", keys, display_name="Counter", context=driver.context(MUC, BER))
    role = driver.note("role", ask("createRole", status=201, body=draft))
    driver.note("taken", ask("createRole", status=400, body=draft))
    patch = m.RoleForPatch(version=role.version, name="COUNTER", description="counts")
    role = driver.note("patched", ask("patchRole", name="COUNTER", body=patch))
    driver.note("stale role", ask("patchRole", status=409, name="COUNTER", body=patch))
    update = m.RoleForUpdate("COUNTER", keys[:2], role.version, context=driver.context(MUC, BER))
    driver.note("updated", ask("updateRole", name="COUNTER", body=update))
    driver.note("read role", ask("getRole", name="COUNTER"))
    driver.note("roles", ask("getAllRoles"))
    query = m.RoleSearchQuery(name=m.StringFilter(in_=["COUNTER", "FULFILLER"]))
    sort = [m.RoleSort(m.RoleSortDisplayName.DESC)]
    search = m.RoleSearchPayload(query, size=1, sort=sort, options=m.SearchOptions(True))
    driver.note("found roles", ask("searchRole", body=search))
    ask("createRole", status=201, body=m.RoleForCreation("PASSING", keys))
    driver.note("deleted role", ask("deleteRole", name="PASSING"))
    driver.note("permissions", ask("getPermissions", size=100, group=m.PermissionGroup.INVENTORY))


def people(driver: Driver, ask: Call) -> Any:
    """A person from their making to their last change."""
    m = driver.models
    assigned = [m.AssignedRoles("COUNTER", context=driver.context(MUC))]
    draft = m.UserForCreation(
        "mokafor", "Mira", "Okafor", PASSWORD, email="mira@example.com", locale=m.SupportedLocale.FR_FR,
        assigned_roles=assigned, custom_attributes=m.UserForCreationCustomAttributesType0.from_dict({"shift": "late"}),
    )  # fmt: skip
    user = driver.note("user", ask("createUser", status=201, body=draft))
    legacy = [m.UserRole("FULFILLER", facilities=[BER])]
    old = m.UserForCreation("legacy", "Leo", "Old", PASSWORD, roles=legacy)
    driver.note("legacy", ask("createUser", status=201, body=old))
    driver.note("read user", ask("getUser", user_id=user.id))
    driver.note("users", ask("getAllUsers", size=2, facility_id=MUC))
    query = m.UserSearchQuery(
        and_=[m.UserSearchQuery(lastname=m.StringSearchFilter(like="^oka"))],
        facility_limitations=m.StringListExistsFilter(contains=m.StringEqFilter(eq=MUC)),
    )
    search = m.UserSearchPayload(
        query, sort=[m.UserSort(lastname=m.UserSortLastname.ASC)], options=m.SearchOptions(True)
    )
    driver.note("found users", ask("searchUser", body=search))
    action = m.ModifyUserAction("ModifyUser", lastname="Okafor-Lind")
    change = m.UserPatchActions(user.version, [action])
    driver.note("changed", ask("changeUser", user_id=user.id, body=change))
    driver.note("stale", ask("changeUser", status=409, user_id=user.id, body=change))
    facility = m.UserAssignedFacilityForCreation(BER)
    driver.note("attached", ask("assignFacility", user_id=user.id, body=facility))
    driver.note("roles of the user", ask("getUserRoles", user_id=user.id))
    return user


def oneself(driver: Driver) -> None:
    """What a person may do with themselves."""
    m = driver.models
    ask = driver.acting(driver.sign_in("mokafor", PASSWORD).id_token)
    driver.note("own permissions", ask("getEffectivePermissions"))
    driver.note("renamed", ask("updateMe", body=m.ModifyUserPersonalData(firstname="Mara")))
    driver.note("own locale", ask("executeMeAction", body=m.ModifyMeAction("ModifyMe", locale=m.SupportedLocale.PL_PL)))
    wrong = m.ModifyMyCredentialsAction("ModifyCredentials", "a guess", password=NEW_PASSWORD)
    driver.note("wrong password", ask("executeMeAction", status=400, body=wrong))
    right = m.ModifyMyCredentialsAction("ModifyCredentials", PASSWORD, password=NEW_PASSWORD, email="mara@example.com")
    driver.note("own credentials", ask("executeMeAction", body=right))
    driver.note(
        "not allowed", driver.acting(driver.sign_in("mokafor", NEW_PASSWORD).id_token)("getAllUsers", status=403)
    )


def ending(driver: Driver, ask: Call, user: Any) -> None:
    """The person's end."""
    token = driver.sign_in("mokafor", NEW_PASSWORD).id_token
    driver.note("in use", ask("deleteRole", status=409, name="COUNTER"))
    driver.note("deleted", ask("deleteUser", user_id=user.id))
    driver.note("gone", ask("getUser", status=404, user_id=user.id))
    driver.note("nobody any more", driver.acting(token)("getEffectivePermissions", status=401))


@pytest.fixture(scope="module")
def driven(made: Client, tenant: Tenant) -> Driver:
    """The whole conversation."""
    driver = Driver(made, tenant)
    administrator = signing_in(driver)
    roles(driver, administrator)
    user = people(driver, administrator)
    oneself(driver)
    ending(driver, administrator, user)
    return driver


@pytest.fixture(scope="module")
def said(driven: Driver) -> dict[str, Any]:
    """The answers, by step."""
    return driven.said


def test_every_operation_of_the_contract_is_driven(driven: Driver):
    assert driven.client.unused == set()


def test_tokens_come_with_what_clients_read(said: dict[str, Any]):
    signed_in, renewed = said["sign in"], said["renewal"]

    assert int(signed_in.expires_in) == int(renewed.expires_in) == 3600
    assert (renewed.user_id, renewed.token_type) == (signed_in.local_id, "Bearer")
    assert said["nobody"].error.message == "INVALID_LOGIN_CREDENTIALS"
    assert {said[step].error.code for step in ("nobody", "external", "second factor")} == {400}


def test_a_role_goes_through_its_life(said: dict[str, Any]):
    role, patched, updated = said["role"], said["patched"], said["updated"]

    assert (role.version, role.display_name, patched.description) == (1, "Counter", "counts")
    assert role.version < patched.version < updated.version
    assert updated.description != "counts"
    assert said["read role"] == updated
    assert [str(each) for each in updated.permissions] == ["CURRENT_USER_READ", "CURRENT_USER_MODIFY"]
    assert updated.context == updated.contexts == updated.context_limitations
    assert "COUNTER" in [each.name for each in said["roles"]]
    assert said["deleted role"].name == "PASSING"


def test_roles_are_found_by_name_in_order(said: dict[str, Any]):
    page = said["found roles"]

    assert ([each.name for each in page.roles], page.total) == (["FULFILLER"], 2)
    assert (page.page_info.has_next_page, page.page_info.has_previous_page) == (True, False)


def test_the_catalogue_has_its_groups(said: dict[str, Any]):
    page = said["permissions"]

    assert {str(each.group) for each in page.permissions} == {"INVENTORY"}
    assert len(page.permissions) == page.total


def test_a_person_is_the_same_in_every_answer(said: dict[str, Any]):
    user = said["user"]

    assert said["read user"] == user
    assert said["users"].users == said["found users"].users == [user]
    assert said["users"].total == said["found users"].total == 1
    assert (user.version, user.email, str(user.locale)) == (1, "mira@example.com", "fr_FR")
    assert (user.facility_limitations, user.custom_attributes["shift"]) == ([MUC], "late")
    assert user.created == user.last_modified


def test_the_deprecated_form_of_roles_is_another_view_of_the_same(said: dict[str, Any]):
    legacy = said["legacy"]

    [assigned], [claimed] = legacy.assigned_roles, legacy.custom_claims.roles
    assert (assigned.ref, assigned.context[0].values) == ("FULFILLER", [BER])
    assert (claimed.name, claimed.facilities) == ("FULFILLER", [BER])
    assert [each.facility_ref for each in legacy.assigned_facilities] == [BER]


def test_a_stale_version_tells_both(said: dict[str, Any]):
    for step, version in (("stale role", said["patched"].version), ("stale", said["changed"].version)):
        [problem] = said[step]
        assert (problem.request_version, problem.version) == (1, version)


def test_an_attached_facility_widens_the_assignment(said: dict[str, Any]):
    [role] = said["roles of the user"]

    assert sorted(role.facility_refs) == [BER, MUC]


def test_a_person_sees_and_changes_themselves(said: dict[str, Any]):
    [role] = said["own permissions"].roles

    assert (said["own permissions"].user_id, role.name) == (said["user"].id, "COUNTER")
    assert sorted(role.context[0].values) == [BER, MUC]
    assert (said["renamed"].firstname, str(said["own locale"].locale)) == ("Mara", "pl_PL")
    assert said["own credentials"].email == "mara@example.com"


@pytest.mark.parametrize("step", ["taken", "wrong password", "not allowed", "in use", "gone", "nobody any more"])
def test_a_refusal_is_a_list_of_problems(said: dict[str, Any], step: str):
    [problem] = said[step]

    assert problem.summary
