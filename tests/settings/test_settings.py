"""Where a setting comes from, what is refused, what is hidden."""

import base64
import stat
from pathlib import Path

import pytest
from rich.pretty import pretty_repr

from roster import settings
from roster.settings.schema import SCHEMA

KEY = base64.b64encode(bytes(range(224, 256))).decode()


def write(data: Path, text: str, name: str = "roster.toml") -> Path:
    (data / name).write_text(text)
    return data / name


def shown(loaded: settings.Settings) -> dict[str, settings.Effective]:
    return {each.key: each for each in settings.explain(loaded)}


def test_without_anything_given_the_defaults_hold(tmp_path: Path) -> None:
    loaded = settings.load({}, {}, tmp_path / "new" / "data")

    assert (loaded.server.host, loaded.server.port, loaded.server.workers) == ("127.0.0.1", 8080, 1)
    assert loaded.server.public_url == "http://127.0.0.1:8080"
    assert loaded.database.url is None
    assert loaded.dialects.acceleratxr.prefixes == ("/acceleratxr/v1",)
    assert loaded.data == tmp_path / "new" / "data"


def test_flags_win_over_environment_over_file_over_defaults(tmp_path: Path) -> None:
    write(tmp_path, "[server]\nport = 1\nhost = 'file'\nworkers = 3\n")
    environ = {"ROSTER_SERVER_PORT": "2", "ROSTER_SERVER_HOST": "environment", "PATH": "/bin"}

    loaded = settings.load({"server.port": 4, "server.host": None}, environ, tmp_path)

    assert (loaded.server.port, loaded.server.host, loaded.server.workers) == (4, "environment", 3)
    origins = {key: each.origin for key, each in shown(loaded).items()}
    assert origins["server.port"] == "command line"
    assert origins["server.host"] == "ROSTER_SERVER_HOST"
    assert origins["server.workers"] == str(tmp_path / "roster.toml")
    assert origins["log.level"] == "default"


def test_the_file_may_lie_elsewhere(tmp_path: Path) -> None:
    file = write(tmp_path, "[log]\nlevel = 'debug'\n", "other.toml")

    assert settings.load({"config": file}, {}, tmp_path / "data").log.level == "debug"
    assert settings.load({}, {"ROSTER_CONFIG": str(file)}, tmp_path / "data").log.level == "debug"


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(settings.SettingsError, match=r"absent\.toml cannot be read"):
        settings.load({"config": tmp_path / "absent.toml"}, {}, tmp_path)


def test_text_from_the_environment_is_read_as_the_settings_type(tmp_path: Path) -> None:
    environ = {
        "ROSTER_SERVER_CORS_ORIGINS": "https://a.example, https://b.example:8443",
        "ROSTER_DIALECTS_ACCELERATXR_ANONYMOUS_COUNT": "true",
        "ROSTER_DIALECTS_NATIVE_PREFIXES": "/",
        "ROSTER_SECURITY_HASH_THREADS": "3",
        "ROSTER_MAIL_FROM": "People <people@example.org>",
        "ROSTER_MAIL_HOST": "",
    }

    loaded = settings.load({}, environ, tmp_path)

    assert loaded.server.cors_origins == ("https://a.example", "https://b.example:8443")
    assert loaded.dialects.acceleratxr.anonymous_count is True
    assert loaded.dialects.native.prefixes == ("/",)
    assert loaded.security.hash_threads == 3
    assert loaded.mail.sender == "People <people@example.org>"
    assert loaded.mail.host is None


def test_parts_of_a_list_that_have_commas_are_given_in_json(tmp_path: Path) -> None:
    interceptor = "1;http.get.*,!http.get.me;guard-service.see;request"
    found = settings.load({}, {"ROSTER_DIALECTS_WELLBEE_INTERCEPTORS": f'["{interceptor}"]'}, tmp_path)
    assert found.dialects.wellbee.interceptors == (interceptor,)


def test_every_setting_has_one_variable_of_its_own() -> None:
    variables = [key.replace(".", "_").upper() for key in SCHEMA]

    assert len(set(variables)) == len(variables)


@pytest.mark.parametrize(
    ("flags", "environ", "file", "text"),
    [
        ({}, {"ROSTER_SERVR_PORT": "1"}, "", "ROSTER_SERVR_PORT is no setting .*perhaps ROSTER_SERVER_PORT"),
        ({}, {}, "[server]\nprot = 1", r"server\.prot is no setting .*roster\.toml.*perhaps server\.port"),
        ({}, {}, "port = 1", "port is no setting"),
        ({}, {}, "[dialects.klingon]\nenabled = true", r"dialects\.klingon\.enabled is no setting"),
        ({}, {}, "server = 1", "server is no setting"),
        ({}, {}, "[server.port]\nx = 1", r"server\.port\.x is no setting"),
        ({"server.gate": 1}, {}, "", r"server\.gate is no setting \(command line\)"),
        ({}, {"ROSTER_SERVER_PORT": "many"}, "", r"server\.port: .*int.*ROSTER_SERVER_PORT"),
        ({}, {"ROSTER_SERVER_PORT": "65536"}, "", r"server\.port: .*65535"),
        ({}, {}, "[server]\nport = '8080'", r"server\.port: .*int"),
        ({}, {}, "[log]\nlevel = 'loud'", r"log\.level: .*loud"),
        ({}, {}, "[server]\npublic_url = 'https://a.example/path'", r"server\.public_url"),
        ({}, {}, "[server]\nport =", "not valid TOML"),
        ({}, {}, "[security]\nsecret_key = 'c2hvcnQ='", r"security\.secret_key: .*32"),
        ({}, {}, "[providers.any]\nkind = 'oidc'", r"providers\.any\.client_id is missing"),
        ({}, {"ROSTER_PROVIDERS_ANY_COLOUR": "red"}, "", "ROSTER_PROVIDERS_ANY_COLOUR is no setting"),
    ],
)
def test_what_is_unknown_or_impossible_is_refused_by_name(
    flags: dict[str, object], environ: dict[str, str], file: str, text: str, tmp_path: Path
) -> None:
    write(tmp_path, file)

    with pytest.raises(settings.SettingsError, match=text):
        settings.load(flags, environ, tmp_path)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(settings.SettingsError) as refused:
        settings.load({"log.level": "loud"}, {"ROSTER_SERVER_PORT": "x", "ROSTER_NO": "1"}, tmp_path)

    assert all(name in refused.value.message for name in ("log.level", "server.port", "ROSTER_NO"))


@pytest.mark.parametrize(
    ("name", "variable"), [("mail.password", "ROSTER_MAIL_PASSWORD"), ("admin.password", "ROSTER_ADMIN_PASSWORD")]
)
def test_a_secret_comes_plainly_or_from_a_file(name: str, variable: str, tmp_path: Path) -> None:
    file = write(tmp_path, "from a file \n", "secret")
    section, member = name.split(".")

    plain = settings.load({}, {variable: "plain"}, tmp_path)
    filed = settings.load({}, {f"{variable}_FILE": str(file)}, tmp_path)

    assert getattr(getattr(plain, section), member) == "plain"
    assert getattr(getattr(filed, section), member) == "from a file "
    assert str(file) in shown(filed)[name].origin


def test_a_secret_file_wins_over_a_secret_of_a_lower_layer_but_not_beside_one(tmp_path: Path) -> None:
    file = write(tmp_path, "filed", "secret")
    write(tmp_path, "[mail]\npassword = 'low'\n")

    assert settings.load({}, {"ROSTER_MAIL_PASSWORD_FILE": str(file)}, tmp_path).mail.password == "filed"
    with pytest.raises(settings.SettingsError, match="both given"):
        settings.load({}, {"ROSTER_MAIL_PASSWORD_FILE": str(file), "ROSTER_MAIL_PASSWORD": "x"}, tmp_path)
    with pytest.raises(settings.SettingsError, match=r"mail\.password_file: .*absent cannot be read"):
        settings.load({}, {"ROSTER_MAIL_PASSWORD_FILE": str(tmp_path / "absent")}, tmp_path)


def test_only_secrets_come_from_files(tmp_path: Path) -> None:
    with pytest.raises(settings.SettingsError, match="ROSTER_SERVER_HOST_FILE is no setting"):
        settings.load({}, {"ROSTER_SERVER_HOST_FILE": "/etc/hostname"}, tmp_path)


def test_files_are_named_by_their_paths(tmp_path: Path) -> None:
    (tmp_path / "roster.toml").write_text('[bankid]\ncertificate = "/somewhere/company.pem"\n')

    found = settings.load({"bankid.key": "key.pem"}, {"ROSTER_PUSH_SERVICE_ACCOUNT": "account.json"}, tmp_path)

    assert found.bankid.certificate == Path("/somewhere/company.pem")
    assert (found.bankid.key, found.push.service_account) == (Path("key.pem"), Path("account.json"))
    shown = {each.key: each.value for each in settings.explain(found)}
    assert shown["bankid.certificate"] == "/somewhere/company.pem"


def test_what_names_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "roster.toml").write_text("[bankid]\ncertificate = 3\n")

    with pytest.raises(settings.SettingsError, match=r"bankid\.certificate"):
        settings.load({}, {}, tmp_path)


def test_providers_come_from_file_and_environment(tmp_path: Path) -> None:
    write(tmp_path, "[providers.big_co]\nkind = 'oidc'\nclient_id = 'one'\n")
    environ = {
        "ROSTER_PROVIDERS_BIG_CO_CLIENT_SECRET": "two",
        "ROSTER_PROVIDERS_OTHER_KIND": "oauth2",
        "ROSTER_PROVIDERS_OTHER_CLIENT_ID": "three",
    }

    providers = settings.load({}, environ, tmp_path).providers

    assert (providers["big_co"].client_id, providers["big_co"].client_secret) == ("one", "two")
    assert (providers["other"].kind, providers["other"].client_id) == ("oauth2", "three")


@pytest.mark.parametrize(
    ("host", "url"),
    [("10.0.0.1", "http://10.0.0.1:99"), ("0.0.0.0", "http://localhost:99"), ("::1", "http://[::1]:99")],
)
def test_the_public_address_follows_host_and_port_until_it_is_given(host: str, url: str, tmp_path: Path) -> None:
    given = {"server.host": host, "server.port": 99}

    assert settings.load(given, {}, tmp_path).server.public_url == url
    named = settings.load(given | {"server.public_url": "https://id.example.org"}, {}, tmp_path)
    assert named.server.public_url == "https://id.example.org"


def test_the_secret_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"

    first, second = settings.load({}, {}, data), settings.load({}, {}, data)

    assert len(first.security.secret_key) == 32
    assert first.security.secret_key == second.security.secret_key
    assert stat.S_IMODE((data / "secret.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert [file.name for file in data.iterdir()] == ["secret.key"]
    assert settings.load({}, {}, tmp_path / "other").security.secret_key != first.security.secret_key


@pytest.mark.parametrize("spelling", [KEY, KEY.rstrip("="), KEY.replace("+", "-").replace("/", "_"), f" {KEY}\n"])
def test_a_secret_key_may_be_given_in_any_base64(spelling: str, tmp_path: Path) -> None:
    loaded = settings.load({}, {"ROSTER_SECURITY_SECRET_KEY": spelling}, tmp_path)

    assert loaded.security.secret_key == bytes(range(224, 256))
    assert not (tmp_path / "secret.key").exists()


def test_a_damaged_key_file_is_an_error_and_is_not_replaced(tmp_path: Path) -> None:
    write(tmp_path, "damaged", "secret.key")

    with pytest.raises(settings.SettingsError, match=r"security\.secret_key"):
        settings.load({}, {}, tmp_path)
    assert (tmp_path / "secret.key").read_text() == "damaged"


def test_secrets_are_masked_wherever_settings_are_shown(tmp_path: Path) -> None:
    environ = {
        "ROSTER_ADMIN_PASSWORD": "hidden-1",
        "ROSTER_DATABASE_URL": "postgresql://u:hidden-2@db/roster",
        "ROSTER_MAIL_PASSWORD": "hidden-3",
        "ROSTER_PROVIDERS_A_KIND": "oidc",
        "ROSTER_PROVIDERS_A_CLIENT_ID": "visible",
        "ROSTER_PROVIDERS_A_CLIENT_SECRET": "hidden-4",
        "ROSTER_SECURITY_SECRET_KEY": KEY,
    }

    loaded = settings.load({}, environ, tmp_path)
    everything = f"{settings.explain(loaded)} {loaded!r} {loaded.security!r} {loaded.providers!r} {pretty_repr(loaded)}"

    assert "hidden" not in everything
    assert repr(bytes(range(224, 256))) not in everything
    assert shown(loaded)["providers.a.client_id"].value == "visible"
    assert shown(loaded)["providers.a.client_secret"].value == "********"
    assert shown(loaded)["admin.password"].value == "********"


def test_everything_that_can_be_set_is_explained(tmp_path: Path) -> None:
    keys = {key for key in SCHEMA if "*" not in key}

    assert keys == set(shown(settings.load({}, {}, tmp_path)))
