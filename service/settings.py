"""Every knob, frozen, read from SOCIOPOLES_* variables."""

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

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
    """The service's settings; the table of the README lists them all."""

    model_config = SettingsConfigDict(
        env_prefix="SOCIOPOLES_",
        frozen=True,
        hide_input_in_errors=True,  # some hold secrets
    )

    data: Path = Field(Path("data"), description="dossier des données : base et index")
    database_url: str = Field("", description="base PostgreSQL ; vide : SQLite dans le dossier")
    model: str = Field(
        "", description="deep (livré, par défaut), fast (livré), ou un modèle sentence-transformers"
    )
    host: str = Field("127.0.0.1", description="adresse d'écoute de `sociopoles serve`")
    port: int = Field(8000, description="port d'écoute de `sociopoles serve`", ge=0, le=65535)
    smtp_url: SecretStr = Field(
        SecretStr(""), description="serveur de courrier ; vide : les courriels vont au journal"
    )
    mail_from: str = Field("", description="adresse qui envoie les courriels")
    public_url: str = Field(
        "http://127.0.0.1:8000", description="adresse que les personnes ouvrent, pour les courriels"
    )
    oidc: tuple[OpenIDProvider, ...] = Field(
        (), description="fournisseurs d'identité (OpenID Connect), en JSON"
    )
    private_hosts: str = Field(
        "",
        description="machines du réseau interne où le service peut aller : hôte:port, virgules",
    )
    attempts_url: str = Field(
        "memory://",
        description="où se comptent les essais de connexion : memory:// (par processus) ou redis://",
    )

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

    @property
    def url(self) -> str:
        """The database's SQLAlchemy URL."""
        return self.database_url or f"sqlite:///{self.data / 'sociopoles.sqlite3'}"

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
