"""What every command does: open the data, answer bad input in words, print."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from sqlalchemy.exc import DatabaseError, SQLAlchemyError

from service import terminal
from service.errors import Damaged, Refused
from service.faults import explain_fault
from service.resources import Resources, open_resources
from service.settings import Settings

REFUSED = 1

JsonFlag = Annotated[bool, typer.Option("--json", help="Répond en JSON, aux noms stables.")]
DataOption = Annotated[
    Path | None, typer.Option("--data", help="Dossier des données (sinon SOCIOPOLES_DATA).")
]
SlugArgument = Annotated[str, typer.Argument(help="Nom court du sociopôle.")]


def settings_of(data: Path | None = None, **given: Any) -> Settings:  # noqa: ANN401
    """The settings of the environment, under those `given` that are not None. Raises Refused."""
    options = {name: value for name, value in {"data": data, **given}.items() if value is not None}
    try:
        return Settings(**options)
    except ValidationError as error:
        wrong = ", ".join(f"SOCIOPOLES_{str(fault['loc'][0]).upper()}" for fault in error.errors())
        raise Refused(f"Réglage mal écrit : {wrong} (tableau des réglages du README).") from error


@contextmanager
def opened(data: Path | None, **given: Any) -> Iterator[Resources]:  # noqa: ANN401
    settings = settings_of(data, **given)
    with database_faults():
        resources = open_resources(settings)
        try:
            yield resources
        finally:
            resources.engine.dispose()


@contextmanager
def database_faults() -> Iterator[None]:
    """A database that cannot be read ends in words."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        fault = explain_fault(error)
        if fault:
            raise Refused(fault.message) from error
        if isinstance(error, DatabaseError):
            raise Damaged(
                f"La base de données ne se lit pas ({error.orig}). Si elle est endommagée, "
                "restaurez une sauvegarde."
            ) from error
        raise


@contextmanager
def refusals(*, as_json: bool, damaged_code: int = REFUSED) -> Iterator[None]:
    """Bad input ends with its message and code 1, and nothing else."""
    try:
        yield
    except Refused as refusal:
        if as_json:
            typer.echo(json.dumps({"error": str(refusal)}, ensure_ascii=False))
        terminal.complain(str(refusal))
        raise typer.Exit(damaged_code if isinstance(refusal, Damaged) else REFUSED) from None


def print_shown(shown: Mapping[str, Any], as_json: bool, show_it: Any) -> None:  # noqa: ANN401, FBT001
    if as_json:
        typer.echo(json.dumps(shown, ensure_ascii=False, indent=2))
    else:
        show_it(shown)
