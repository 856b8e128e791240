"""What a file really is, by its first bytes, held against what its name says."""

import io
import zipfile
from pathlib import Path
from typing import Literal

from service.errors import Refused

Format = Literal["csv", "xlsx", "xls", "ods"]

FORMAT_OF_SUFFIX: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".xlsx": "xlsx",
    ".xls": "xls",
    ".ods": "ods",
}

NAME_OF_FORMAT: dict[Format, str] = {
    "csv": "un fichier texte (CSV)",
    "xlsx": "un classeur Excel",
    "xls": "un classeur Excel 97-2003",
    "ods": "un classeur LibreOffice (ODS)",
}

OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# Excel keeps a workbook under a password as this stream of an OLE container, whatever the suffix.
ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")
ODS_TYPE = b"application/vnd.oasis.opendocument.spreadsheet"

# Not tables, yet often sent for one.
STRANGERS = (
    (b"%PDF", "un document PDF"),
    (b"{\\rtf", "un document texte (RTF)"),
    (b"\x1f\x8b", "une archive compressée (gzip)"),
    (b"7z\xbc\xaf", "une archive compressée (7z)"),
    (b"\xfd7zXZ", "une archive compressée (xz)"),
    (b"\x89PNG", "une image"),
    (b"\xff\xd8\xff", "une image"),
    (b"<!doctype html", "une page web"),
    (b"<html", "une page web"),
    (b"<?xml", "un document XML"),
)


def check_format(path: Path, content: bytes) -> Format:
    """The format of the content, refused when the file's name says another."""
    expected = FORMAT_OF_SUFFIX.get(path.suffix.lower())
    if expected is None:
        accepted = ", ".join(FORMAT_OF_SUFFIX)
        raise Refused(f"« {path.name} » n’a pas une extension connue : envoyez {accepted}.")
    found = _recognise(path, content)
    if found != expected:
        advice = f"renommez-le en .{found}" if found != "csv" else "renommez-le en .csv"
        raise Refused(f"« {path.name} » est en réalité {NAME_OF_FORMAT[found]} : {advice}.")
    return found


def _recognise(path: Path, content: bytes) -> Format:
    if content.startswith(OLE_MAGIC):
        if ENCRYPTED_STREAM in content:
            raise Refused(f"« {path.name} » est protégé par un mot de passe : enregistrez-le sans.")
        return "xls"
    if content.startswith(b"PK\x03\x04"):
        return _recognise_zip(path, content)
    head = content[:256].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for magic, name in STRANGERS:
        if head.startswith(magic.lower()):
            raise _stranger(path, name)
    return "csv"


def _recognise_zip(path: Path, content: bytes) -> Format:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = frozenset(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise Refused(
            f"« {path.name} » est abîmé ou incomplet : ouvrez-le et enregistrez-le de nouveau."
        ) from error
    if "xl/workbook.xml" in names:
        return "xlsx"
    # An ODF file starts with its type, stored as it is: part of the standard.
    if ODS_TYPE in content[:200]:
        return "ods"
    if "xl/workbook.bin" in names:
        raise _stranger(path, "un classeur Excel binaire (XLSB)")
    if "word/document.xml" in names:
        raise _stranger(path, "un document Word")
    raise _stranger(path, "une archive ZIP")


def _stranger(path: Path, name: str) -> Refused:
    return Refused(
        f"« {path.name} » est en réalité {name} : "
        "ouvrez-le dans un tableur, puis enregistrez-le en .xlsx ou en « CSV UTF-8 »."
    )
