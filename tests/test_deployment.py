"""What is written for containers, tried as far as a machine without them can."""

import fnmatch
import ipaddress
import json
import os
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import psycopg
import pytest
import yaml
from psycopg import sql
from sqlalchemy import text
from typer.testing import CliRunner

from service.cli import cli
from service.database import migrate, open_engine, read
from service.server import LONGEST_GOODBYE
from service.settings import Settings
from tests.conftest import POSTGRESQL

ROOT = Path(__file__).parents[1]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
SERVICES: Mapping[str, Any] = COMPOSE["services"]
OURS = ("app", "worker")
NGINX = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
LARGEST_FILE_MB = 20
SAID_ELSEWHERE = {
    "data": "the volume of the image",
    "host": "the image listens on its network",
    "port": "the one of the image and of the proxy",
    "workers": "on the command line of the service",
    "log_format": "the image writes for machines",
}
"""Settings that nobody who deploys needs to give, and why."""
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


class Step(NamedTuple):
    """One instruction of a Dockerfile."""

    word: str
    rest: str


def dockerfile() -> list[Step]:
    content = (ROOT / "Dockerfile").read_text("utf-8")
    lines = [line for line in content.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [Step(*line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


def last_stage() -> list[Step]:
    steps = dockerfile()
    start = max(i for i, step in enumerate(steps) if step.word == "FROM")
    return steps[start:]


def command_of(steps: list[Step], word: str) -> list[str]:
    """The words of the last CMD or HEALTHCHECK."""
    [rest] = [step.rest for step in steps if step.word == word][-1:]
    words: list[str] = json.loads(rest[rest.index("[") :])
    return words


def assert_runs(words: list[str]) -> None:
    """Fails unless it is a command of ours, with options that it has."""
    program, *arguments = words
    # Asked for help, a command reads all its options and does nothing.
    result = CliRunner().invoke(cli, [*arguments, "--help"])
    assert (program, result.exit_code) == ("sociopoles", 0), result.output


def test_every_file_that_is_copied_is_there_and_not_left_out() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").split()
    stages = {step.rest.split()[-1] for step in dockerfile() if step.word == "FROM"}
    copied = 0
    for step in dockerfile():
        if step.word != "COPY":
            continue
        options = [word for word in step.rest.split() if word.startswith("--")]
        sources = [word for word in step.rest.split() if not word.startswith("--")][:-1]
        if options:
            [option] = options
            assert option.removeprefix("--from=") in stages
            continue
        for source in sources:
            assert (ROOT / source).exists(), source
            assert not any(fnmatch.fnmatch(source, pattern) for pattern in ignored), source
            copied += 1
    assert copied > 8


def test_what_is_secret_or_large_is_left_out_of_the_image() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").split()

    assert {".git", ".env", ".venv", "data", "deploy", "node_modules"} <= set(ignored)
    secret = (ROOT / ".gitignore").read_text("utf-8").split()
    assert {"/.env", "/deploy/tls/", "/data/"} <= set(secret)


def test_the_steps_of_the_build_are_those_of_make() -> None:
    """The same packages, the same lists, the same pages: by the same commands."""
    made = (ROOT / "Makefile").read_text("utf-8")
    runs = " ".join(step.rest for step in dockerfile() if step.word == "RUN")

    for words in (
        "service.reference.build",
        "swagger-ui.css",
        "swagger-ui-bundle.js",
        "node_modules/@etalab/decoupage-administratif",
        "download.pytorch.org/whl/cpu",
        "-c constraints.txt",
    ):
        assert words in runs
    assert "service.reference.build node_modules/@etalab/decoupage-administratif" in made
    [torch] = re.findall(r"\$\((grep [^)]*)\)", runs)
    found = subprocess.run(shlex.split(torch), cwd=ROOT, capture_output=True, text=True, check=True)
    assert re.fullmatch(r"torch==[\d.]+\n", found.stdout)


def test_the_image_can_count_failed_sign_ins_in_redis() -> None:
    runs = " ".join(step.rest for step in dockerfile() if step.word == "RUN")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = extras["optional-dependencies"]

    assert "-e '.[redis]'" in runs
    assert set(wanted["redis"]) <= set(wanted["test"])
    assert "\nredis==" in (ROOT / "constraints.txt").read_text("utf-8")


def test_the_service_cannot_change_its_own_code() -> None:
    steps = last_stage()
    words = [step.word for step in steps]
    copies = [step.rest for step in steps if step.word == "COPY"]

    assert steps[[*words].index("USER")].rest == "sociopoles"
    assert words.index("USER") > max(i for i, word in enumerate(words) if word in {"COPY", "RUN"})
    assert not any("--chown" in copy for copy in copies)
    assert not any("/app" in step.rest for step in steps if step.word == "RUN")
    assert "slim" in steps[0].rest


@pytest.mark.parametrize("name", OURS)
def test_every_command_exists_with_its_options(name: str) -> None:
    assert_runs(SERVICES[name]["command"])


def test_the_image_serves_by_default() -> None:
    assert_runs(command_of(last_stage(), "CMD"))


def test_a_command_that_does_not_exist_would_be_seen() -> None:
    for words in (["sociopoles", "serve", "--nope"], ["sociopoles", "nope"], ["autre"]):
        with pytest.raises(AssertionError):
            assert_runs(words)


def environments() -> Iterator[str]:
    for step in dockerfile():
        if step.word == "ENV":
            yield from re.findall(r"SOCIOPOLES_\w+", step.rest)
    for service in SERVICES.values():
        yield from re.findall(r"SOCIOPOLES_\w+", json.dumps(service))


def test_every_setting_that_is_given_is_one() -> None:
    given = set(environments())

    assert len(given) > 5
    assert given <= {f"SOCIOPOLES_{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize("name", OURS)
def test_every_setting_can_be_given_or_has_a_reason_not_to(name: str) -> None:
    passed = {
        variable.removeprefix("SOCIOPOLES_").lower()
        for variable in SERVICES[name]["environment"]
        if variable.startswith("SOCIOPOLES_")
    }

    assert passed | set(SAID_ELSEWHERE) == set(Settings.model_fields)
    assert not passed & set(SAID_ELSEWHERE)


def test_what_is_said_elsewhere_is_said_there() -> None:
    image = " ".join(step.rest for step in last_stage() if step.word == "ENV")

    assert {f"SOCIOPOLES_{name.upper()}" for name in ("data", "host", "log_format")} == set(
        re.findall(r"SOCIOPOLES_\w+", image)
    )
    assert "--workers" in SERVICES["app"]["command"]
    assert "--port" not in SERVICES["app"]["command"]


def test_a_setting_that_is_passed_on_is_so_under_its_own_name() -> None:
    own = {
        name: VARIABLE.fullmatch(value)
        for name, value in SERVICES["app"]["environment"].items()
        if name not in {"SOCIOPOLES_DATABASE_URL", "SOCIOPOLES_TRUSTED_PROXIES"}
    }

    assert {name: found and found[1] for name, found in own.items()} == {name: name for name in own}


def given_by_compose(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Settings:
    """What the program reads where this is all that .env says."""

    def value_of(found: re.Match[str]) -> str:
        name, sign, words = found.groups()
        if name in environment:
            return environment[name]
        assert sign == "-", f"{name} is needed: {words}"
        return str(words)

    for name, value in SERVICES["app"]["environment"].items():
        monkeypatch.setenv(name, VARIABLE.sub(value_of, value))
    return Settings()


NEEDED = {
    "DATABASE_PASSWORD": "x",
    "SOCIOPOLES_PUBLIC_URL": "https://sociopoles.exemple.fr",
}


def test_what_is_not_given_is_as_the_program_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = given_by_compose(monkeypatch, **NEEDED)

    assert settings.database_file is None
    assert settings.proxies == [SERVICES_SUBNET]
    given = {"database_url", "trusted_proxies", "public_url"}
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    assert settings.model_dump(exclude=given) == {
        name: value for name, value in defaults.items() if name not in given
    }


def test_what_is_given_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = {"name": "labo", "issuer": "https://idp.exemple.fr", "client_id": "a"}
    environment = NEEDED | {
        "SOCIOPOLES_CONTROLLER": "Association des Sociopôles",
        "SOCIOPOLES_PRIVACY_CONTACT": "rgpd@exemple.fr",
        "SOCIOPOLES_OIDC": json.dumps([provider]),
        "SOCIOPOLES_PRIVATE_HOSTS": "idp.exemple.fr",
        "SOCIOPOLES_NIGHTLY_HOUR": "24",
    }

    settings = given_by_compose(monkeypatch, **environment)

    assert settings.controller == "Association des Sociopôles"
    assert settings.privacy_contact == "rgpd@exemple.fr"
    assert [one.name for one in settings.oidc] == ["labo"]
    assert settings.trusted_hosts == {"idp.exemple.fr:443"}
    assert settings.nightly_hour == 24


SERVICES_SUBNET = COMPOSE["networks"]["front"]["ipam"]["config"][0]["subnet"]


def test_only_the_proxys_network_is_believed() -> None:
    assert SERVICES["app"]["environment"]["SOCIOPOLES_TRUSTED_PROXIES"] == SERVICES_SUBNET
    assert ipaddress.ip_network(SERVICES_SUBNET).is_private
    assert "front" in SERVICES["proxy"]["networks"]


def test_ports_agree_from_the_outside_to_the_program() -> None:
    port = Settings.model_fields["port"].default
    steps = last_stage()
    listened = set(re.findall(r"listen (\d+)", NGINX))
    published = {mapping.split(":")[1] for mapping in SERVICES["proxy"]["ports"]}

    assert [step.rest for step in steps if step.word == "EXPOSE"] == [str(port)]
    assert f":{port}/healthz" in command_of(steps, "HEALTHCHECK")[-1]
    assert re.findall(r"server (\w+:\d+);", NGINX) == [f"app:{port}"]
    assert published == listened


def test_only_the_proxy_is_reached_from_outside() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert SERVICES["database"]["networks"] == ["back"]
    assert COMPOSE["networks"]["back"]["internal"] is True
    for name in ("/metrics", "/readyz"):
        assert f"location = {name} {{ return 404; }}" in NGINX


@pytest.mark.parametrize("name", [*OURS, "proxy"])
def test_a_container_may_do_as_little_as_it_needs(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "privileged" not in service


def test_whoever_starts_waits_for_what_it_needs() -> None:
    assert SERVICES["app"]["depends_on"] == {"database": {"condition": "service_healthy"}}
    for name in ("proxy", "worker"):
        assert SERVICES[name]["depends_on"] == {"app": {"condition": "service_healthy"}}
    assert "pg_isready" in SERVICES["database"]["healthcheck"]["test"]
    assert float(SERVICES["app"]["stop_grace_period"].removesuffix("s")) > LONGEST_GOODBYE


def test_what_is_kept_is_in_volumes_and_what_is_mounted_is_there() -> None:
    named = set(COMPOSE["volumes"])
    used = set()
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./"):
                assert (ROOT / source).exists() or source == "./deploy/tls", source
            else:
                used.add(source)
    data = next(step.rest for step in last_stage() if step.word == "VOLUME")

    assert used == named == {"data", "database"}
    assert f"data:{data}" in SERVICES["app"]["volumes"]


def test_the_tools_of_the_image_are_no_older_than_the_server() -> None:
    server = int(SERVICES["database"]["image"].partition(":")[2])
    [tools] = re.findall(r"postgresql-client-(\d+)", " ".join(s.rest for s in last_stage()))

    assert int(tools) >= server == 17


def test_the_proxy_takes_files_and_waits_for_nobody_long() -> None:
    [body] = re.findall(r"client_max_body_size (\d+)m;", NGINX)
    waits = dict(re.findall(r"(client_header_timeout|client_body_timeout) (\d+)s;", NGINX))

    assert int(body) > LARGEST_FILE_MB
    assert {int(seconds) for seconds in waits.values()} == {10}
    assert len(waits) == 2


def test_no_secret_is_written_down() -> None:
    for name in ("compose.yaml", "deploy/nginx.conf", "deploy/database/10-role.sh", "Dockerfile"):
        content = (ROOT / name).read_text("utf-8")
        for line in content.splitlines():
            if re.search(r"(?i)password|token\b|secret", line) and not line.lstrip().startswith(
                "#"
            ):
                assert "$" in line or ":'password'" in line, line


def test_the_role_of_the_database_is_plain_and_the_service_runs_as_it() -> None:
    server = os.environ.get(POSTGRESQL)
    if not server:
        pytest.skip(f"{POSTGRESQL} is not set: the role was not made")
    if not shutil.which("psql"):
        pytest.skip("psql is missing: the role was not made")
    host = server.partition("://")[2].rpartition("@")[2].partition("/")[0]
    name = f"sociopoles_{uuid4().hex[:8]}"
    environment = os.environ | {
        "PGHOST": host.partition(":")[0],
        "PGPORT": host.partition(":")[2] or "5432",
        "DATABASE_NAME": name,
        "DATABASE_PASSWORD": "l'un \"ou\" l'autre",
    }
    try:
        script = ROOT / "deploy" / "database" / "10-role.sh"
        subprocess.run(["sh", script], env=environment, check=True, capture_output=True)
        url = f"postgresql://{name}:l%27un%20%22ou%22%20l%27autre@{host}/{name}"
        engine = open_engine(url)
        migrate(engine)
        with read(engine) as session:
            rights = session.execute(
                text("SELECT rolsuper, rolbypassrls, rolcreatedb FROM pg_roles WHERE rolname = :n"),
                {"n": name},
            ).one()
        engine.dispose()
        assert tuple(rights) == (False, False, False)
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            for statement in ("DROP DATABASE IF EXISTS {}", "DROP ROLE IF EXISTS {}"):
                connection.execute(sql.SQL(statement).format(sql.Identifier(name)))


def test_docker_itself_accepts_them() -> None:
    docker = shutil.which("docker")
    running = docker and subprocess.run([docker, "info"], capture_output=True, check=False)
    if not docker or not running or running.returncode:
        pytest.skip("no Docker runs here: neither the image was built nor the services started")
    needed = ("DATABASE_PASSWORD", "DATABASE_ADMIN_PASSWORD", "SOCIOPOLES_PUBLIC_URL")
    environment = os.environ | dict.fromkeys(needed, "x")
    for words in (["compose", "config", "--quiet"], ["build", "--check", "."]):
        subprocess.run([docker, *words], cwd=ROOT, env=environment, check=True)
