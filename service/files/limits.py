"""How large an untrusted file may be, and why."""

MAX_FILE_BYTES = 20_000_000
"""As the upload route. A line of the largest real file seen takes 220 bytes: room for 90,000."""

MAX_WORKBOOK_BYTES = 10_000_000
"""A workbook is compressed: 10 MB of it already hold more than 20 MB of CSV."""

MAX_UNZIPPED_BYTES = 50_000_000
"""The parser holds a whole sheet in memory, at several times its unzipped size."""

MAX_ZIP_RATIO = 50
"""As PyPI. Honest sheets stay below 20 once they are large."""

ZIP_RATIO_FLOOR_BYTES = 5_000_000
"""Below this, a high ratio is harmless: a small sheet of repeated words compresses very well."""

MAX_ZIP_ENTRIES = 200
"""A workbook of 100 sheets has about 110 entries."""

MAX_ROWS = 100_000
"""A region's yearly grants are some tens of thousands of lines."""

MAX_COLUMNS = 200
"""The widest open register seen has 41 columns; beyond 200 it is not a table of statements."""

MAX_CELLS = 5_000_000
"""As many as 100,000 rows of the widest register seen, with room to spare."""

MAX_ROWS_WITH_EMPTY, MAX_COLUMNS_WITH_EMPTY = 1_048_576, 16_384
"""A spreadsheet's own limits: one may be saved whole, empty cells and all."""

MAX_CELL_CHARACTERS = 100_000
"""Fifty pages. Below the 131,072 where the csv module stops by itself."""

MAX_TEXT_CHARACTERS = 40_000_000
"""A workbook can repeat one long shared text in every cell: 50 MB unzipped would give gigabytes."""

MAX_PROBLEMS = 1_000
"""A person reads no more; a file with more of them was read with the wrong settings."""

MAX_PARSER_MEMORY_BYTES = 1_500_000_000
MAX_PARSER_CPU_SECONDS = 20
MAX_PARSER_WALL_SECONDS = 40
