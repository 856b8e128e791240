"""Settings come from SOCIOPOLES_* variables."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from service.settings import Settings


def test_a_variable_of_the_environment_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOCIOPOLES_DATA", "/srv/sociopoles")

    settings = Settings()

    assert settings.url == "sqlite:////srv/sociopoles/sociopoles.sqlite3"
    assert settings.index_folder == Path("/srv/sociopoles/indexes")


def test_a_database_url_replaces_the_file() -> None:
    assert Settings(database_url="postgresql://db/s").url == "postgresql://db/s"


def test_settings_are_frozen() -> None:
    settings = Settings()

    with pytest.raises(ValidationError):
        settings.port = 1  # type: ignore[misc]  # what must not be possible


def test_a_port_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOCIOPOLES_PORT", "70000")

    with pytest.raises(ValidationError):
        Settings()
