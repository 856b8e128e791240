"""Every knob, frozen, read from SOCIOPOLES_* variables."""

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

HTTPS = 443


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
    private_hosts: str = Field(
        "",
        description="machines du réseau interne où le service peut aller : hôte:port, virgules",
    )
    attempts_url: str = Field(
        "memory://",
        description="où se comptent les essais de connexion : memory:// (par processus) ou redis://",
    )

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


def _hosts(written: str) -> frozenset[str]:
    parts = [urlsplit(f"//{host.strip().lower()}") for host in written.split(",") if host.strip()]
    if not all(part.hostname and not part.path for part in parts):
        raise ValueError("écrivez hôte:port, séparés par des virgules")
    return frozenset(f"{part.hostname}:{part.port or HTTPS}" for part in parts)
