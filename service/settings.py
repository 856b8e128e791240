"""Every knob, frozen, read from SOCIOPOLES_* variables."""

from ipaddress import ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url

HTTPS = 443
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class OpenIDProvider(BaseModel):
    """Who else may say who a person is; `profile` says what is particular to that provider."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(description="nom court, dans les adresses", pattern=r"^[a-z0-9-]{1,32}$")
    label: str = Field("", description="ce que dit le bouton ; vide : le nom")
    issuer: str = Field(max_length=300, description="adresse du fournisseur, telle qu'il la publie")
    client_id: str = Field(min_length=1, description="identifiant que le fournisseur a donné")
    client_secret: SecretStr = Field(SecretStr(""), description="secret qu'il a donné")
    profile: Literal["generic", "proconnect", "orcid"] = "generic"
    scopes: str = Field("", description="ce qui est demandé ; vide : ce que dit le profil")
    creates_accounts: bool = Field(False, description="ouvre un compte à qui n'était pas invité")

    @field_validator("issuer")
    @classmethod
    def _check_issuer(cls, written: str) -> str:
        parts = urlsplit(written)
        local = parts.scheme == "http" and parts.hostname in LOOPBACK
        if not parts.hostname or parts.port == 0 or parts.query or parts.fragment or parts.username:
            raise ValueError("écrivez l'adresse https:// que le fournisseur publie")
        if parts.scheme != "https" and not local:
            raise ValueError("https:// seulement (http:// pour un essai sur sa machine)")
        return written


class Settings(BaseSettings):
    """The service's settings; the table of the README is these names, defaults and meanings."""

    model_config = SettingsConfigDict(
        env_prefix="SOCIOPOLES_",
        frozen=True,
        hide_input_in_errors=True,  # some hold secrets
    )

    data: Path = Field(
        Path("data"),
        description="folder of the database and the indexes (`--data` on the command line)",
    )
    database_url: str = Field(
        "", description="a PostgreSQL database instead of SQLite in the folder"
    )
    model: str = Field(
        "",
        description="`deep` (shipped, the default), `fast` (shipped), or a sentence-transformers "
        "model by name or folder",
    )
    lock_wait: float = Field(
        10,
        description="seconds to wait for a database that is busy, then the message says so",
        gt=0,
        le=600,
    )
    host: str = Field("127.0.0.1", description="address of `sociopoles serve`")
    port: int = Field(8000, description="port of `sociopoles serve`", ge=0, le=65535)
    public_url: str = Field(
        "http://127.0.0.1:8000",
        description="the address people open, as e-mails write it and providers send people "
        "back to",
    )
    attempts_url: str = Field(
        "memory://",
        description="where failed sign-ins are counted: in each process, or `redis://…` for "
        "several",
    )
    smtp_url: SecretStr = Field(
        SecretStr(""),
        description="the mail server; empty: e-mails go to the log of the process, and nowhere "
        "else",
    )
    mail_from: str = Field(
        "",
        description="who sends: `Sociopôles <sociopoles@exemple.fr>`; required with a mail server",
    )
    oidc: tuple[OpenIDProvider, ...] = Field(
        (), description="identity providers, as a JSON list (below)"
    )
    private_hosts: str = Field(
        "",
        description="`host:port,…` (443 if not said) inside the network that the service may ask: "
        "a provider of the house",
    )
    workers: int = Field(
        1, description="web processes of `sociopoles serve` (`--workers`)", ge=1, le=64
    )
    limit_concurrency: int = Field(
        1000,
        description="connections and requests at once, of each web process; beyond, 503",
        ge=1,
        le=100_000,
    )
    trusted_proxies: str = Field(
        "",
        description="addresses and networks, separated by commas, whose `X-Forwarded-For` and "
        "`X-Forwarded-Proto` are believed",
    )
    log_format: Literal["auto", "text", "json"] = Field(
        "auto", description="`text`, `json` (one object a line), or `auto`: text on a terminal"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="what is logged: `debug` (probes too), `info`, `warning`, `error`"
    )
    metrics_token: SecretStr = Field(
        SecretStr(""),
        description="bearer token of `/metrics`; without one it answers this machine only",
    )

    nightly_hour: int = Field(
        3,
        description="from which hour of the day, by the clock of the machine, a worker looks for "
        "alerts, mails them and purges, once a day; `24`: never",
        ge=0,
        le=24,
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, written: str) -> str:
        for network in _split(written):
            # Raises ValueError; « * » would let anyone choose the address they are taken for.
            ip_network(network)
        return written

    @property
    def proxies(self) -> list[str]:
        """The trusted proxies, one by one."""
        return _split(self.trusted_proxies)

    @field_validator("oidc")
    @classmethod
    def _check_names(cls, chosen: tuple[OpenIDProvider, ...]) -> tuple[OpenIDProvider, ...]:
        if len({provider.name for provider in chosen}) < len(chosen):
            raise ValueError("deux fournisseurs d'identité portent le même nom")
        return chosen

    @field_validator("private_hosts")
    @classmethod
    def _check_hosts(cls, written: str) -> str:
        _hosts(written)
        return written

    @property
    def trusted_hosts(self) -> frozenset[str]:
        """The private hosts as host:port."""
        return _hosts(self.private_hosts)

    controller: str = Field(
        "",
        description="who answers for the personal data: named in the register and in notices",
    )
    privacy_contact: str = Field("", description="where people write about their data")

    @property
    def url(self) -> str:
        """The database's SQLAlchemy URL."""
        return self.database_url or f"sqlite:///{self.data / 'sociopoles.sqlite3'}"

    @property
    def database_file(self) -> Path | None:
        """The file of a SQLite database; None for PostgreSQL."""
        url = make_url(self.url)
        return Path(url.database or "") if url.drivername.startswith("sqlite") else None

    @property
    def index_folder(self) -> Path:
        """Where index snapshots are published; derived data, may be deleted at any time."""
        return self.data / "indexes"

    @property
    def upload_folder(self) -> Path:
        """Where files wait for the job that takes them in, and no longer."""
        return self.data / "uploads"

    @property
    def worker_folder(self) -> Path:
        """Where each worker holds its name."""
        return self.data / "workers"


def _hosts(written: str) -> frozenset[str]:
    parts = [urlsplit(f"//{host.strip().lower()}") for host in written.split(",") if host.strip()]
    if not all(part.hostname and not part.path for part in parts):
        raise ValueError("écrivez hôte:port, séparés par des virgules")
    return frozenset(f"{part.hostname}:{part.port or HTTPS}" for part in parts)


def _split(written: str) -> list[str]:
    return [part.strip() for part in written.split(",") if part.strip()]
