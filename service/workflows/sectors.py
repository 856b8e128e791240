"""A sector as people write it."""

from service.errors import Refused
from service.resources import Resources


def find_sector(resources: Resources, written: str) -> str:
    """The RNA code of a code, label or words; empty for nothing. Raises Refused for no sector."""
    if not written:
        return ""
    tie = resources.sectors.tie([written])[0]
    if not tie.code:
        raise Refused(
            f"Le secteur « {written} » ne correspond à aucun secteur du RNA : "
            "donnez un code (par exemple 032000) ou d'autres mots."
        )
    return tie.code
