"""CSV files of every kind that a mailbox brings."""

import unicodedata
from itertools import cycle, islice
from pathlib import Path

import pytest

from service.errors import Refused
from service.files import limits
from service.files.reading import Problem, Row, read_table
from tests.pace import SECOND, pace

SMALL = "Structure;Besoin\r\nRégie de quartier;Réemploi\r\nJardins;Eau\r\nAMAP;Sol\r\n"
FULL = (
    "Structure;Besoin\r\n"
    "Les Compagnons de l’Île;Où loger « à l’hôtel » les familles à la fin de l’été ?\r\n"
    "ÉCOLE PRIMAIRE;FÊTE DE FIN D’ANNÉE\r\n"
    "Cœur de ville;Des élèves déjà inscrits, une façade abîmée – 3 500 € à trouver\r\n"
    "Entraide;Maïs, noël, aigüe, où, ça et là\r\n"
)


def write(folder: Path, content: str | bytes, *, name: str = "envoi.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


@pytest.mark.parametrize("text", [SMALL, FULL], ids=["few accents", "many accents"])
@pytest.mark.parametrize(
    ("encoding", "label"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("cp1252", "cp1252"),
        ("mac_roman", "mac_roman"),
    ],
)
def test_the_encoding_is_told_from_the_bytes(
    tmp_path: Path, text: str, encoding: str, label: str
) -> None:
    path = write(tmp_path, text.encode(encoding))

    table = read_table(path)

    assert table.encoding == label
    cells = [";".join(table.columns), *(";".join(row.cells) for row in table.rows)]
    assert cells == text.split("\r\n")[:-1]


@pytest.mark.parametrize(("bom", "codec"), [(b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")])
def test_utf_16_is_told_from_its_mark(tmp_path: Path, bom: bytes, codec: str) -> None:
    table = read_table(write(tmp_path, bom + FULL.encode(codec)))

    assert table.encoding == codec
    assert table.columns == ("Structure", "Besoin")
    assert table.rows[0].cells[0] == "Les Compagnons de l’Île"


def test_a_euro_sign_tells_iso_8859_15_from_windows(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "Besoin;Coût\nÉté;10 €\n".encode("iso8859_15")))

    assert table.encoding == "iso8859_15"
    assert table.rows[0].cells == ("Été", "10 €")


def test_windows_wins_where_two_code_pages_read_the_same(tmp_path: Path) -> None:
    content = "Besoin;Lieu\nRéemploi;Évry\n".encode("iso8859_15")

    table = read_table(write(tmp_path, content))

    assert table.encoding == "cp1252"
    assert table.rows[0].cells == ("Réemploi", "Évry")


@pytest.mark.parametrize("encoding", ["cp1252", "mac_roman"])
def test_accents_far_down_a_long_file_are_still_read(tmp_path: Path, encoding: str) -> None:
    lines = ["Structure;Besoin", *["Jardins;Eau"] * 30_000, "Régie;Où réparer un vélo"]

    table = read_table(write(tmp_path, "\n".join(lines).encode(encoding)))

    assert table.encoding == encoding
    assert table.rows[-1].cells == ("Régie", "Où réparer un vélo")


def test_damaged_utf_8_is_refused_with_its_line_rather_than_read_as_windows(tmp_path: Path) -> None:
    content = "Titre;Texte\nété;école\nà;".encode() + b"caf\xe9\n" + "où;ça\n".encode()

    with pytest.raises(Refused, match="ligne 3"):
        read_table(write(tmp_path, content))


def test_a_given_encoding_is_obeyed(tmp_path: Path) -> None:
    path = write(tmp_path, "Titre;Texte\nA;caf\u0192\n".encode("cp1252"))

    assert read_table(path, encoding="Windows-1252").rows[0].cells[1] == "cafƒ"
    assert read_table(path, encoding="mac_roman").rows[0].cells[1] == "cafÉ"


@pytest.mark.parametrize("encoding", ["klingon", "unicode_escape", "rot13", "utf-7"])
def test_an_encoding_out_of_the_list_is_refused(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(Refused, match="cp1252"):
        read_table(write(tmp_path, SMALL), encoding=encoding)


def test_a_given_encoding_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="ligne 2"):
        read_table(write(tmp_path, SMALL.encode("cp1252")), encoding="utf-8")


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_the_delimiter_is_told_from_the_shape_of_the_table(tmp_path: Path, delimiter: str) -> None:
    lines = [["Structure", "Besoin", "Commune"], ["Régie", '"vélos, motos ; pneus"', "Évry"]]
    content = "\n".join(delimiter.join(line) for line in [*lines, lines[1]])

    table = read_table(write(tmp_path, content))

    assert table.delimiter == delimiter
    assert table.rows[0].cells == ("Régie", "vélos, motos ; pneus", "Évry")


@pytest.mark.parametrize(
    ("content", "delimiter", "columns"),
    [
        ("Titre, ou nom;Texte\nA, b, c;d\nE;f, g\n", ";", ("Titre, ou nom", "Texte")),
        ("Besoin\nUn local, un four, un frigo\nUn bus\n", ";", ("Besoin",)),
        ("A;B;C;D\n1;2\n3;4\n", ";", ("A", "B", "C", "D")),
        ("sep=|\nA;B|C\n1|2\n", "|", ("A;B", "C")),
    ],
    ids=["commas in prose", "one column", "short rows", "Excel's declaration"],
)
def test_signs_in_the_text_do_not_pass_for_delimiters(
    tmp_path: Path, content: str, delimiter: str, columns: tuple[str, ...]
) -> None:
    table = read_table(write(tmp_path, content))

    assert (table.delimiter, table.columns) == (delimiter, columns)
    assert table.problems == ()


def test_a_given_delimiter_is_obeyed(tmp_path: Path) -> None:
    path = write(tmp_path, "A;B,C\n1;2,3\n")

    assert read_table(path, delimiter=",").columns == ("A;B", "C")
    with pytest.raises(Refused, match="Séparateur inconnu"):
        read_table(path, delimiter="x")


def refusal_of(path: Path) -> str:
    """Why a file is refused, empty where it is read."""
    try:
        read_table(path)
    except Refused as refusal:
        return str(refusal)
    return ""


def test_a_delimiter_is_guessed_in_linear_time(tmp_path: Path) -> None:
    # csv.Sniffer takes 1.2 s on 16 kB of this, and four times that on twice as much.
    path = write(tmp_path, "a;b\n" + ',"' * 60_000)

    refused, spent = pace(lambda: refusal_of(path))

    assert refused
    assert spent < SECOND


def test_line_breaks_in_quotes_stay_in_their_cell_and_rows_are_counted_as_a_spreadsheet_does(
    tmp_path: Path,
) -> None:
    table = read_table(write(tmp_path, 'A;B\n1;"un\ndeux ""trois"""\n\n;\n2;fin\n'))

    assert table.rows == (Row(2, ("1", 'un\ndeux "trois"')), Row(5, ("2", "fin")))


@pytest.mark.parametrize(
    "content",
    ['A;B\n1;deux\n2;"trois\n3;quatre\n', 'A;B\n1;deux\n2;"un "mot" ici"\n'],
    ids=["unclosed", "misplaced"],
)
def test_a_quote_in_the_wrong_place_is_refused_with_its_line(tmp_path: Path, content: str) -> None:
    with pytest.raises(Refused, match="ligne 3"):
        read_table(write(tmp_path, content))


def test_a_quote_after_a_cell_of_several_lines_is_refused_with_its_line_in_the_file(
    tmp_path: Path,
) -> None:
    with pytest.raises(Refused, match="ligne 4"):
        read_table(write(tmp_path, 'A;B\n1;"un\ndeux"\n2;"trois\n'))


def test_a_cell_too_many_is_a_problem_and_the_row_is_kept(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "A;B\n1;2\n3;4;;reste\n5;6;;\n"))

    assert [row.cells for row in table.rows] == [("1", "2"), ("3", "4"), ("5", "6")]
    assert [(p.row, p.column) for p in table.problems] == [(3, "Colonne 4")]
    assert "en trop" in table.problems[0].message


def test_short_rows_are_padded(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "A;B;C\n1;2;3\n4\n"))

    assert table.rows[1].cells == ("4", "", "")
    assert table.problems == ()


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("A;;B", ("A", "Colonne 2", "B")),
        ("A;B;", ("A", "B", "Colonne 3")),
        ("Nom;NOM;Nom", ("Nom", "NOM (2)", "Nom (3)")),
        ("Nom;Nom (2);Nom", ("Nom", "Nom (2)", "Nom (3)")),
        ('"Type\nde  structure";x\x01y;\x00', ("Type de structure", "x y", "Colonne 3")),
    ],
)
def test_every_column_has_a_name_of_its_own(
    tmp_path: Path, header: str, columns: tuple[str, ...]
) -> None:
    assert read_table(write(tmp_path, f"{header}\n1;2;3\n")).columns == columns


def test_empty_columns_on_the_right_are_left_out(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "A;B;;;\n1;2;;;\n"))

    assert table.columns == ("A", "B")
    assert table.rows == (Row(2, ("1", "2")),)


@pytest.mark.parametrize(
    ("content", "words"),
    [("", "vide"), ("\n\n;;\n", "première ligne"), ("A;B\n", "en-tête"), ("A;B\n;\n", "en-tête")],
    ids=["nothing", "no filled line", "header only", "header and empty lines"],
)
def test_a_file_without_rows_is_refused(tmp_path: Path, content: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        read_table(write(tmp_path, content))


@pytest.mark.parametrize("sign", ["\0", "\x07", "\x1b", "\x7f", "\u0085"])
def test_a_control_character_is_a_problem_that_names_row_and_column(
    tmp_path: Path, sign: str
) -> None:
    table = read_table(write(tmp_path, f"Titre;Texte\nun;deux\ntrois;qua{sign}tre\n"))

    message = f"Caractère de contrôle invisible (U+{ord(sign):04X})."
    assert table.problems == (Problem(3, "Texte", message),)
    assert table.rows[1].cells == ("trois", f"qua{sign}tre")


def test_a_file_of_more_problems_than_a_person_reads_is_refused(tmp_path: Path) -> None:
    lines = ["A", *["x\x01"] * (limits.MAX_PROBLEMS + 1)]

    with pytest.raises(Refused, match="encodage"):
        read_table(write(tmp_path, "\n".join(lines)))


@pytest.mark.parametrize("kept", ["abc\u202edef", "zéro\u200blargeur", "👩\u200d🔬"])
def test_direction_marks_and_joiners_are_kept(tmp_path: Path, kept: str) -> None:
    table = read_table(write(tmp_path, f"A;B\n1;{kept}\n"))

    assert table.rows[0].cells[1] == kept
    assert table.problems == ()


def test_text_is_composed(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, unicodedata.normalize("NFD", "Intitulé;B\nété;à\n")))

    assert table.columns == ("Intitulé", "B")
    assert table.rows[0].cells == ("été", "à")


def test_spaces_around_a_cell_are_taken_off(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, " A ;B\n\u00a0un ;\u202f deux  mots\t\n"))

    assert table.columns == ("A", "B")
    assert table.rows[0].cells == ("un", "deux  mots")


@pytest.mark.parametrize(
    ("typed", "cell"),
    [("'=1+1", "=1+1"), ("'+33", "+33"), ("'- un", "- un"), ("'@moi", "@moi")],
)
def test_the_quote_of_our_exports_is_taken_off(tmp_path: Path, typed: str, cell: str) -> None:
    assert read_table(write(tmp_path, f"A;B\n1;{typed}\n")).rows[0].cells[1] == cell


@pytest.mark.parametrize("typed", ["'été", "l'eau", "'"])
def test_any_other_quote_stays(tmp_path: Path, typed: str) -> None:
    assert read_table(write(tmp_path, f"A;B\n1;{typed}\n")).rows[0].cells[1] == typed


def test_a_file_over_20_mb_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="20 Mo"):
        read_table(write(tmp_path, b"a;b\n" * (limits.MAX_FILE_BYTES // 4 + 1)))


def test_the_largest_number_of_rows_is_read_and_one_more_is_refused(tmp_path: Path) -> None:
    content = "a\n" + "x\n" * limits.MAX_ROWS

    assert len(read_table(write(tmp_path, content)).rows) == limits.MAX_ROWS
    with pytest.raises(Refused, match=str(limits.MAX_ROWS)):
        read_table(write(tmp_path, content + "x\n"))


def test_the_largest_number_of_columns_is_read_and_one_more_is_refused(tmp_path: Path) -> None:
    names = [f"c{place}" for place in range(limits.MAX_COLUMNS + 1)]

    def content(columns: list[str]) -> str:
        return ";".join(columns) + "\n" + ";".join("x" for _ in columns)

    assert read_table(write(tmp_path, content(names[:-1]))).columns == tuple(names[:-1])
    with pytest.raises(Refused, match="201 colonnes"):
        read_table(write(tmp_path, content(names)))


def test_a_million_columns_are_refused_quickly(tmp_path: Path) -> None:
    path = write(tmp_path, ";".join(["a"] * 1_000_000) + "\n" + ";".join(["b"] * 1_000_000))

    refused, spent = pace(lambda: refusal_of(path))

    assert "1000000 colonnes" in refused
    assert spent < 5 * SECOND


def test_the_longest_cell_is_read(tmp_path: Path) -> None:
    longest = "x" * limits.MAX_CELL_CHARACTERS

    assert read_table(write(tmp_path, f"A;B\n1;{longest}\n")).rows[0].cells[1] == longest


@pytest.mark.parametrize("length", [limits.MAX_CELL_CHARACTERS + 1, 10_000_000])
def test_a_longer_cell_is_refused_with_its_line(tmp_path: Path, length: int) -> None:
    with pytest.raises(Refused, match="ligne 3"):
        read_table(write(tmp_path, "A;B\n1;2\n3;" + "x" * length))


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"a;b\n1;2\n", "a.docx", "extension"),
        (b"a;b\n1;2\n", "sans_extension", "extension"),
        (b"a;b\n1;2\n", "a.xlsx", r"fichier texte \(CSV\) : renommez-le en \.csv"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "a.csv", r"97-2003 : .* \.xls"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "a.xlsx", r"97-2003 : .* \.xls"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "a.xlsx",
            "mot de passe",
        ),
        (b"%PDF-1.7\n%\xe2\xe3", "a.csv", "PDF"),
        (b"\xef\xbb\xbf\n<!DOCTYPE html><table>", "a.xls", "page web"),
        (b"PK\x03\x04 cut short", "a.xlsx", "abîmé"),
        (bytes(range(256)) * 4 + b"\0" * 900, "a.csv", "pas un texte"),
        ("a;b\n1;2\n".encode("utf-16-le"), "a.txt", "pas un texte"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(
    tmp_path: Path, content: bytes, name: str, words: str
) -> None:
    with pytest.raises(Refused, match=words):
        read_table(write(tmp_path, content, name=name))


@pytest.mark.parametrize("name", ["A.CSV", "a.txt", "a.tsv"])
def test_text_is_read_under_each_of_its_names(tmp_path: Path, name: str) -> None:
    table = read_table(write(tmp_path, "a\tb\n1\t2\n", name=name))

    assert (table.format, table.delimiter, table.columns) == ("csv", "\t", ("a", "b"))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"absent\.csv"):
        read_table(tmp_path / "absent.csv")


def test_sixteen_thousand_rows_are_read_in_less_than_a_second(tmp_path: Path) -> None:
    words = cycle(FULL.replace(";", " ").split())
    lines = [";".join(" ".join(islice(words, 6)) for _ in range(6)) for _ in range(16_513)]
    path = write(tmp_path, "\r\n".join(["a;b;c;d;e;f", *lines]).encode("cp1252"))

    table, spent = pace(lambda: read_table(path))

    assert (len(table.rows), table.encoding) == (16_513, "cp1252")
    assert spent < SECOND
