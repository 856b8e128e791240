"""Workbooks: what a cell becomes, and what a hostile one may cost."""

import datetime
import struct
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
import xlsxwriter  # type: ignore[import-untyped] # it ships no types

from service.errors import Refused
from service.files import limits
from service.files.reading import Row, read_table

# Spreadsheets know no time zones.
MIDNIGHT = datetime.datetime(2024, 3, 1)  # noqa: DTZ001
ODS_TYPE = "application/vnd.oasis.opendocument.spreadsheet"
ODS_CONTENT = """<?xml version="1.0" encoding="UTF-8"?>
<office:document-content office:version="1.2"
 xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">
<office:body><office:spreadsheet><table:table table:name="Besoins">{rows}</table:table>
</office:spreadsheet></office:body></office:document-content>"""


def write_xlsx(path: Path, *sheets: Sequence[Sequence[object]]) -> Path:
    with xlsxwriter.Workbook(path) as workbook:
        day = workbook.add_format({"num_format": "dd/mm/yyyy"})
        for rows in sheets:
            sheet = workbook.add_worksheet()
            for number, row in enumerate(rows):
                for place, value in enumerate(row):
                    if isinstance(value, datetime.datetime):
                        sheet.write_datetime(number, place, value, day)
                    elif value is not None:
                        sheet.write(number, place, value)
    return path


def write_ods(path: Path, rows: list[list[str]]) -> Path:
    def cell(text: str) -> str:
        paragraphs = "".join(f"<text:p>{line}</text:p>" for line in text.split("\n"))
        return f'<table:table-cell office:value-type="string">{paragraphs}</table:table-cell>'

    lines = "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows)
    manifest = (
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{ODS_TYPE}"/>'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
        "</manifest:manifest>"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", ODS_TYPE, zipfile.ZIP_STORED)
        archive.writestr("content.xml", ODS_CONTENT.format(rows=lines))
        archive.writestr("META-INF/manifest.xml", manifest)
    return path


def write_xls(path: Path, rows: list[list[str]]) -> Path:
    """The least that Excel 97 calls a workbook: one sheet in one OLE stream of 4,096 bytes."""

    def record(kind: int, content: bytes) -> bytes:
        return struct.pack("<HH", kind, len(content)) + content

    def opening(kind: int) -> bytes:
        return record(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0x0DBB, 0x07CC, 0, 6))

    end = record(0x000A, b"")
    labels = b"".join(
        record(0x0204, struct.pack("<HHHHB", y, x, 0, len(text), 1) + text.encode("utf-16-le"))
        for y, row in enumerate(rows)
        for x, text in enumerate(row)
    )
    name = b"Besoins"
    start = len(opening(5)) + 4 + 8 + len(name) + len(end)
    bound = struct.pack("<IBBBB", start, 0, 0, len(name), 0) + name
    size = record(0x0200, struct.pack("<IIHHH", 0, len(rows), 0, len(rows[0]), 0))
    stream = opening(5) + record(0x0085, bound) + end + opening(0x10) + size + labels + end
    none, chain_end = 0xFFFFFFFF, 0xFFFFFFFE

    def entry(title: str, kind: int, *, child: int, first: int, length: int) -> bytes:
        words = (title + "\0").encode("utf-16-le")
        links = struct.pack("<HBBIII", len(words), kind, 1, none, none, child)
        return words.ljust(64, b"\0") + links + bytes(36) + struct.pack("<IQ", first, length)

    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<9I", 0, 1, 1, 0, 4096, chain_end, 0, chain_end, 0)
    header += struct.pack("<109I", 0, *[none] * 108)
    sectors = [0xFFFFFFFD, chain_end, *range(3, 10), chain_end]
    table = struct.pack("<128I", *sectors, *[none] * (128 - len(sectors)))
    folder = entry("Root Entry", 5, child=1, first=chain_end, length=0)
    folder += entry("Workbook", 2, child=none, first=2, length=4096)
    path.write_bytes(header + table + folder.ljust(512, b"\0") + stream.ljust(4096, b"\0"))
    return path


ROWS = [["Structure", "Besoin"], ["Régie", "Réparer\ndes vélos"], ["", ""], ["AMAP", "Sol"]]


@pytest.mark.parametrize("write", [write_xlsx, write_ods, write_xls])
def test_the_three_kinds_of_workbook_read_alike(
    tmp_path: Path, write: Callable[[Path, list[list[str]]], Path]
) -> None:
    kind = write.__name__.removeprefix("write_")

    table = read_table(write(tmp_path / f"envoi.{kind}", ROWS))

    assert table.format == kind
    assert (table.encoding, table.delimiter) == ("", "")
    assert table.columns == ("Structure", "Besoin")
    assert table.rows == (Row(2, ("Régie", "Réparer\ndes vélos")), Row(4, ("AMAP", "Sol")))


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (12.0, "12"),
        (-3, "-3"),
        (0.5, "0.5"),
        (12345678901234, "12345678901234"),
        (True, "oui"),
        (False, "non"),
        (MIDNIGHT, "2024-03-01"),
        (MIDNIGHT.replace(hour=9, minute=30), "2024-03-01 09:30:00"),
        ("  été\u00a0", "été"),
        ("'=1+1", "=1+1"),
    ],
)
def test_a_cell_becomes_what_a_person_reads(tmp_path: Path, value: object, cell: str) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [["A", "B"], ["x", value]])

    assert read_table(path).rows[0].cells == ("x", cell)


def test_the_first_sheet_with_a_filled_cell_is_read(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [], [["  "]], [["A"], ["1"]], [["B"], ["2"]])

    table = read_table(path)

    assert (table.columns, table.sheet) == (("A",), "Sheet3")


def test_a_hidden_sheet_gives_way_to_a_shown_one(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as workbook:
        hidden, shown = workbook.add_worksheet("Listes"), workbook.add_worksheet("Besoins")
        hidden.write_column(0, 0, ["Choix", "oui"])
        shown.write_column(0, 0, ["Besoin", "Un local"])
        shown.activate()
        shown.set_first_sheet()
        hidden.hide()

    assert read_table(path).sheet == "Besoins"


def test_rows_keep_the_numbers_that_the_spreadsheet_shows(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [[], [], [None, "A", "B"], [], [None, "x", "y"]])

    table = read_table(path)

    assert table.columns == ("A", "B")
    assert table.rows == (Row(5, ("x", "y")),)


def test_a_column_without_a_name_gets_one(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [["A"], ["x", "note"]])

    assert read_table(path).columns == ("A", "Colonne 2")


@pytest.mark.parametrize("rows", [[], [["A", "B"]]], ids=["empty", "header only"])
def test_a_workbook_without_rows_is_refused(tmp_path: Path, rows: list[list[object]]) -> None:
    with pytest.raises(Refused, match=r"vide|en-tête"):
        read_table(write_xlsx(tmp_path / "a.xlsx", rows))


@pytest.mark.parametrize(
    ("row", "column"), [(1_048_575, 16_383), (5_000, 16_383), (10, 16_383), (1, 200)]
)
def test_a_cell_far_on_the_right_is_refused_quickly(tmp_path: Path, row: int, column: int) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_column(0, 0, ["A", "x"])
        sheet.write(row, column, "loin")

    started = time.perf_counter()
    with pytest.raises(Refused, match=r"très loin|colonnes inutiles"):
        read_table(path)
    assert time.perf_counter() - started < 10


def test_a_cell_far_below_is_read_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_column(0, 0, ["A", "x"])
        sheet.write(1_048_575, 0, "loin")

    assert read_table(path).rows == (Row(2, ("x",)), Row(1_048_576, ("loin",)))


def rewrite(source: Path, target: Path, changed: Mapping[str, bytes]) -> Path:
    """A copy of a zip with some entries changed or added."""
    with (
        zipfile.ZipFile(source) as before,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as after,
    ):
        entries = {name: before.read(name) for name in before.namelist()}
        for name, content in {**entries, **changed}.items():
            after.writestr(name, content)
    return target


SHEET = "xl/worksheets/sheet1.xml"


def test_a_lying_dimension_hides_no_row(tmp_path: Path) -> None:
    honest = write_xlsx(tmp_path / "a.xlsx", [["A"], ["1"], ["2"], ["3"]])
    with zipfile.ZipFile(honest) as archive:
        xml = archive.read(SHEET)
    assert b'<dimension ref="A1:A4"/>' in xml
    for number, lie in enumerate([b"A1:A2", b"A1:XFD1048576"]):
        lying = tmp_path / f"lying{number}.xlsx"
        rewrite(honest, lying, {SHEET: xml.replace(b"A1:A4", lie)})

        assert [row.cells for row in read_table(lying).rows] == [("1",), ("2",), ("3",)]


def test_a_bomb_of_one_huge_cell_is_refused_unopened(tmp_path: Path) -> None:
    honest = write_xlsx(tmp_path / "a.xlsx", [["A"], ["1"]])
    cell = b'<c r="A1" t="inlineStr"><is><t>' + b"A" * 40_000_000 + b"</t></is></c>"
    xml = b'<worksheet><sheetData><row r="1">' + cell + b"</row></sheetData></worksheet>"
    bomb = rewrite(honest, tmp_path / "bomb.xlsx", {SHEET: xml})
    assert bomb.stat().st_size < 100_000

    with pytest.raises(Refused, match="trop lourd"):
        read_table(bomb)


def test_too_much_to_unzip_is_refused(tmp_path: Path) -> None:
    honest = write_xlsx(tmp_path / "a.xlsx", [["A"], ["1"]])
    # Half noise, so that the ratio alone does not refuse it.
    noise = bytes((n * n * 2654435761 >> 13) & 255 for n in range(1_500_000))
    fat = rewrite(honest, tmp_path / "b.xlsx", {"xl/media/a.bin": noise + bytes(50_000_000)})
    assert fat.stat().st_size * limits.MAX_ZIP_RATIO > 50_000_000

    with pytest.raises(Refused, match="trop lourd"):
        read_table(fat)


def test_small_sheets_that_compress_well_are_read(tmp_path: Path) -> None:
    honest = write_xlsx(tmp_path / "a.xlsx", [["A"], ["1"]])
    path = rewrite(honest, tmp_path / "b.xlsx", {"docProps/note.txt": bytes(4_000_000)})
    assert path.stat().st_size * limits.MAX_ZIP_RATIO < 4_000_000

    assert read_table(path).columns == ("A",)


def test_too_many_entries_are_refused(tmp_path: Path) -> None:
    honest = write_xlsx(tmp_path / "a.xlsx", [["A"], ["1"]])
    added = {f"xl/media/{n}.bin": b"" for n in range(limits.MAX_ZIP_ENTRIES)}

    with pytest.raises(Refused, match="trop lourd"):
        read_table(rewrite(honest, tmp_path / "b.xlsx", added))


def test_a_false_declared_size_is_refused(tmp_path: Path) -> None:
    honest = write_xlsx(tmp_path / "a.xlsx", [["A"], ["1"]])
    padding = {"xl/media/z.bin": bytes(60_000_000)}
    path = rewrite(honest, tmp_path / "b.xlsx", padding)
    declared = struct.pack("<I", 60_000_000)
    content = path.read_bytes()
    assert content.count(declared) == 2
    path.write_bytes(content.replace(declared, struct.pack("<I", 1_000)))

    with pytest.raises(Refused, match="abîmé"):
        read_table(path)


def test_a_workbook_over_10_mb_is_refused(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [["A"], ["1"]])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_STORED) as archive:
        archive.writestr("xl/media/a.bin", bytes(limits.MAX_WORKBOOK_BYTES))

    with pytest.raises(Refused, match="au plus 10"):
        read_table(path)


def test_one_long_text_shared_by_many_cells_is_refused(tmp_path: Path) -> None:
    # 36 kB of file for 300 MB of text.
    path = write_xlsx(tmp_path / "a.xlsx", [["A"], *[["x" * 30_000]] * 10_000])
    assert path.stat().st_size < 200_000

    with pytest.raises(Refused, match="trop de texte"):
        read_table(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<worksheet><sheetData><row><c",
        b"<worksheet><sheetData><row r='1'><c r='A1' t='s'><v>99999</v></c></row></sheetData>",
        b"\0\1\2",
    ],
)
def test_a_damaged_sheet_is_refused(tmp_path: Path, content: bytes) -> None:
    honest = write_xlsx(tmp_path / "a.xlsx", [["A"], ["1"]])

    with pytest.raises(Refused, match="classeur"):
        read_table(rewrite(honest, tmp_path / "b.xlsx", {SHEET: content}))


def test_a_zip_under_a_password_is_refused(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [["A"], ["1"]])
    content = bytearray(path.read_bytes())
    # The flag of encryption, in the central entry of the first file.
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)

    with pytest.raises(Refused, match="mot de passe"):
        read_table(path)


def test_a_compression_that_spreadsheets_do_not_use_is_refused(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [["A"], ["1"]])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_LZMA) as archive:
        archive.writestr("xl/media/a.bin", bytes(1_000))

    with pytest.raises(Refused, match="abîmé"):
        read_table(path)


def test_an_entity_is_not_expanded(tmp_path: Path) -> None:
    honest = write_xlsx(tmp_path / "a.xlsx", [["A"], ["1"]])
    laugh = b"".join(
        b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10 if n else b"ha") for n in range(9)
    )
    cells = b'<row r="1"><c r="A1" t="inlineStr"><is><t>&l8;</t></is></c></row>'
    xml = b"<!DOCTYPE w [" + laugh + b"]><worksheet><sheetData>" + cells * 2
    path = rewrite(honest, tmp_path / "b.xlsx", {SHEET: xml + b"</sheetData></worksheet>"})

    with pytest.raises(Refused):
        read_table(path)


@pytest.mark.parametrize(
    ("inside", "words"),
    [
        ("word/document.xml", "document Word"),
        ("xl/workbook.bin", "XLSB"),
        ("photo.jpg", "archive ZIP"),
    ],
)
def test_another_kind_of_zip_is_called_by_its_name(tmp_path: Path, inside: str, words: str) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(inside, "x")

    with pytest.raises(Refused, match=words):
        read_table(path)


@pytest.mark.parametrize("name", ["a.csv", "a.xls", "a.ods"])
def test_a_workbook_under_another_name_is_refused(tmp_path: Path, name: str) -> None:
    path = write_xlsx(tmp_path / name, [["A"], ["1"]])

    with pytest.raises(Refused, match=r"renommez-le en \.xlsx"):
        read_table(path)


def test_the_parser_sees_none_of_our_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Python obeys this one by printing to stderr and stopping: reading would fail if it passed.
    monkeypatch.setenv("PYTHONHOME", str(tmp_path / "nowhere"))

    assert read_table(write_xlsx(tmp_path / "a.xlsx", [["A"], ["1"]])).columns == ("A",)


def test_twenty_thousand_rows_are_read_sooner_than_they_were_written(tmp_path: Path) -> None:
    rows: list[list[object]] = [[f"cellule {y} {x}" for x in range(10)] for y in range(20_000)]

    started = time.perf_counter()
    path = write_xlsx(tmp_path / "a.xlsx", rows)
    written = time.perf_counter()
    table = read_table(path)
    read = time.perf_counter()

    assert len(table.rows) == 19_999
    assert read - written < written - started
