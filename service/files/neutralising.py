r"""The apostrophe before a cell that a spreadsheet would calculate or rewrite, and back.

Which cells get one, in this order:

* a formula: = + - @ or a fullwidth ＝＋－＠, also behind what a spreadsheet may skip (spaces,
  zero-width and control characters) or cut at (quotes, separators); and what starts with a tab, a
  line break or a NUL. Not a plain number or a telephone, which a person typed as such;
* `<r>…`: the XLSX writer would take it for its own markup of rich text, and write it as it is;
* in a CSV only, a code that a spreadsheet turns into another number or a date as soon as it opens
  the file: leading zeros, twelve digits and more, 1E5, 1-2. The cells of an XLSX say they are text.

Apostrophes in front do not count: '=x becomes ''=x. So one rule undoes it for both formats: an
apostrophe goes away exactly where what follows would be given one, and a text that began with its
own comes back with it.
"""

import re

SIGNS = r"=+\-@＝＋－＠"
SKIPPED = (
    r"'\";,|\s\x00-\x1f\x7f-\xa0\xad\u061c\u180e"
    r"\u200b-\u200f\u2028-\u202f\u205f-\u206f\ufeff\ufff9-\ufffb"
)
# Possessive: each character is looked at once, however many quotes a hostile text begins with.
FORMULA = rf"(?:[{SKIPPED}]*+[{SIGNS}]|'*+[\t\r\n\0]|'*+<r>)"
CODE = r"'*+(?:0\d+|\d{12,}|\d+[eE]\d+|\d{1,2}[-/.]\d{1,4})\Z"

CALCULATED = re.compile(FORMULA)
REWRITTEN = re.compile(rf"{FORMULA}|{CODE}")

NUMBER = re.compile(r"[+-]?\d+([ .\u00a0\u202f]\d{3})*([.,]\d+)?( ?[%€])?")
# No hyphen: +33-1-42 is a subtraction.
PHONE = re.compile(r"\+\d{1,3}( ?\(0\))?([ .\u00a0\u202f]?\d{1,4}){2,6}")


def neutralise(cell: str, *, typed: bool = False) -> str:
    """The cell, behind an apostrophe where it needs one; `typed` where the file says it is text."""
    # A letter starts nothing of all this: nearly every cell is known at once.
    if cell[:1].isalpha():
        return cell
    # With an apostrophe of its own a code needs one even there: reading would take that one away.
    rule = CALCULATED if typed and not cell.startswith("'") else REWRITTEN
    if not rule.match(cell) or _is_signed(cell):
        return cell
    return "'" + cell


def restore(cell: str) -> str:
    """The cell as it was before `neutralise`."""
    return cell[1:] if cell.startswith("'") and REWRITTEN.match(cell, 1) else cell


def _is_signed(cell: str) -> bool:
    """Whether it is a number or a telephone that only starts like a formula."""
    return cell[0] in "+-" and bool(NUMBER.fullmatch(cell) or PHONE.fullmatch(cell))
