"""Files as people and programs write them: their bytes, and the outcome of reading them."""

import bz2
import gzip
import io
import pickle
import zipfile
from dataclasses import dataclass

COLUMNS = ("age", "bmi", "Y")
ROWS = tuple((f"{i / 10:.2f}", f"0.0{i * 37 % 89 + 10}", str(i % 5)) for i in range(1, 41))


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file; `words` stand in its notes when it is read, else in its refusal."""

    name: str
    content: bytes
    words: tuple[str, ...] = ()


def table(
    separator: str = ",",
    end: str = "\n",
    header: tuple[str, ...] = COLUMNS,
    rows: tuple[tuple[str, ...], ...] = ROWS,
) -> str:
    return "".join(separator.join(row) + end for row in (header, *rows))


def archive(**members: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name, text in members.items():
            file.writestr(name.replace("__", "/").replace("_csv", ".csv"), text)
    return packed.getvalue()


def edited(line: int, text: str) -> bytes:
    """Return the plain file with one line, counted from 1, replaced."""
    lines = PLAIN.splitlines()
    lines[line - 1] = text
    return "".join(f"{one}\n" for one in lines).encode()


PLAIN = table()
GERMAN = table(";").replace(".", ",")
NUMBERED = tuple((str(i), *row) for i, row in enumerate(ROWS, start=1))
NAMED = tuple((f"patient {i}", *row) for i, row in enumerate(ROWS))
QUOTED = "\n".join(",".join(f'"{cell}"' for cell in row) for row in (COLUMNS, *ROWS))

READ = [
    File(name="plain", content=PLAIN.encode()),
    File(name="CRLF", content=table(end="\r\n").encode()),
    File(name="CR of an old Mac", content=table(end="\r").encode()),
    File(name="no line end", content=PLAIN.rstrip("\n").encode()),
    File(name="blank lines", content=PLAIN.replace("\n", "\n\n").encode()),
    File(name="everything in quotes", content=QUOTED.encode()),
    File(name="blanks after commas", content=table(", ").encode()),
    File(name="blank, then quote", content=QUOTED.replace(",", ", ").encode()),
    File(name="BOM of Excel", content=PLAIN.encode("utf-8-sig")),
    File(name="two BOMs", content=b"\xef\xbb\xbf" + PLAIN.encode("utf-8-sig")),
    File(name="semicolons", content=table(";").encode(), words=("semicolons",)),
    File(name="tabs", content=table("\t").encode(), words=("tabs",)),
    File(name="vertical bars", content=table("|").encode(), words=("vertical bars",)),
    File(name="single blanks", content=table(" ").encode(), words=("blanks",)),
    File(
        name="Excel in Germany",
        content=GERMAN.encode("utf-8-sig"),
        words=("semicolons", "decimal comma"),
    ),
    File(
        name="tabs and decimal commas",
        content=table("\t").replace(".", ",").encode(),
        words=("tabs", "decimal comma"),
    ),
    File(
        name="quoted decimal commas",
        content=QUOTED.replace(".", ",").encode(),
        words=("decimal comma",),
    ),
    File(name="sep=", content=f"sep=;\r\n{GERMAN}".encode(), words=("`sep=`", "semicolons")),
    File(name="sep= in quotes", content=f'"sep=|"\n{table("|")}'.encode(), words=("`sep=`",)),
    File(name="sep= and a tab", content=f"sep=\t\n{table(chr(9))}".encode(), words=("tabs",)),
    File(name="Unicode Text of Excel", content=table("\t").encode("utf-16"), words=("UTF-16",)),
    File(name="UTF-16 BE", content=b"\xfe\xff" + PLAIN.encode("utf-16-be"), words=("UTF-16",)),
    File(name="UTF-16, no BOM", content=PLAIN.encode("utf-16-le"), words=("UTF-16",)),
    File(name="UTF-32", content=PLAIN.encode("utf-32"), words=("UTF-32",)),
    File(name="gzip", content=gzip.compress(PLAIN.encode()), words=("gzip",)),
    File(
        name="two gzip members",
        content=gzip.compress(PLAIN[:50].encode()) + gzip.compress(PLAIN[50:].encode()),
        words=("gzip",),
    ),
    File(
        name="gzip of UTF-16",
        content=gzip.compress(GERMAN.encode("utf-16")),
        words=("gzip", "UTF-16", "semicolons", "decimal comma"),
    ),
    File(
        name="comma at each row's end",
        content="".join(f"{line},\n" for line in PLAIN.splitlines()).encode(),
        words=("40 of 40 rows end with a separator",),
    ),
    File(
        name="comma at each row's end but the header's",
        content=PLAIN.replace("\n", ",\n").replace(",\n", "\n", 1).encode(),
        words=("40 of 40 rows end with a separator",),
    ),
    File(name="rows of commas", content=f"{PLAIN},,\n,,\n".encode(), words=("2 rows", "line")),
    File(
        name="index of pandas",
        content=table(header=("", *COLUMNS), rows=NUMBERED).encode(),
        words=("without a name",),
    ),
    File(
        name="index of pandas, read and written again",
        content=table(
            header=("Unnamed: 0.1", "Unnamed: 0", *COLUMNS),
            rows=tuple(("0", *row) for row in NUMBERED),
        ).encode(),
        words=("'Unnamed: 0'", "'Unnamed: 0.1'"),
    ),
    File(
        name="row names of R's write.csv",
        content=table(header=('""', *COLUMNS), rows=NAMED).encode(),
        words=("without a name",),
    ),
    File(
        name="row names of R's write.table",
        content=table(" ", rows=tuple((f'"{row[0]}"', *row[1:]) for row in NAMED)).encode(),
        words=("the header lacks", "blanks"),
    ),
    File(
        name="row numbers that the header lacks",
        content=table(rows=NUMBERED).encode(),
        words=("the header lacks",),
    ),
    File(
        name="single quotes",
        content=QUOTED.replace('"', "'").encode(),
        words=("single quotes",),
    ),
    File(name="blanks around names", content=PLAIN.replace("bmi", " bmi\u00a0").encode()),
]

REFUSED = [
    File(name="empty", content=b"", words=("empty", "header and rows")),
    File(name="blanks only", content=b" \n\n", words=("empty",)),
    File(name="BOM only", content=b"\xff\xfe", words=("empty",)),
    File(name="empty gzip", content=gzip.compress(b""), words=("empty",)),
    File(name="JSON", content=b'[{"age": 1, "bmi": 2}]', words=("JSON", "Save the table as CSV")),
    File(name="JSON object", content=b'{"age": [1, 2]', words=("JSON",)),
    File(name="JSON Lines", content=b'{"age": 1}\n{"age": 2}\n', words=("JSON Lines",)),
    File(name="Parquet, cut off", content=b"PAR1\x15\x04\x15", words=("Parquet", "cut off")),
    File(name="Arrow", content=b"ARROW1\x00\x00\xff", words=("Arrow",)),
    File(name="Excel", content=archive(xl__workbook="<x/>"), words=("Excel", ".xlsx")),
    File(
        name="old Excel", content=b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", words=("Excel", ".xls")
    ),
    File(name="zip", content=archive(data_csv=PLAIN), words=("zip archive", "data.csv")),
    File(name="bzip2", content=bz2.compress(PLAIN.encode()), words=("bzip2",)),
    File(name="pickle", content=pickle.dumps([1, 2]), words=("pickle",)),
    File(name="HDF5", content=b"\x89HDF\r\n\x1a\n\x00", words=("HDF5",)),
    File(
        name="sign-in page",
        content=b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>",
        words=("HTML page", "Sign in", "Download the data again"),
    ),
    File(
        name="error of Azure storage",
        content=b'\xef\xbb\xbf<?xml version="1.0"?><Error><Code>AuthenticationFailed</Code></Error>',
        words=("XML", "'Error'"),
    ),
    File(
        name="pointer of Git LFS",
        content=b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\n",
        words=("Git LFS", "git lfs pull"),
    ),
    File(name="cut gzip", content=gzip.compress(PLAIN.encode())[:60], words=("gzip", "cut off")),
    File(
        name="damaged gzip",
        content=gzip.compress(PLAIN.encode())[:-8] + b"wrongsum",
        words=("gzip", "damaged"),
    ),
    File(
        name="Windows-1252",
        content=PLAIN.replace("age", "größe").encode("cp1252"),
        words=("Line 1 is not UTF-8", "'ö' in Windows-1252"),
    ),
    File(name="NUL bytes", content=edited(4, "0.30,\x00,1"), words=("Line 4", "NUL")),
    File(
        name="no header", content=PLAIN.partition("\n")[2].encode(), words=("no header", "line 1")
    ),
    File(
        name="a name twice",
        content=edited(1, "age,age,Y"),
        words=("names 'age' 2 times (columns 1, 2)",),
    ),
    File(name="no name", content=edited(1, "age,,Y"), words=("no name for column 2 of 3",)),
    File(
        name="a longer row",
        content=edited(7, "0.60,0.05,1,9"),
        words=("1 of 40 rows", "line 7 has 4 fields", "header's 3 fields"),
    ),
    File(name="a shorter row", content=edited(7, "0.60"), words=("line 7 has 1 field",)),
    File(
        name="cut off",
        content=PLAIN.rstrip("\n").rpartition(",")[0].encode(),
        words=("last line, 41, has 2 of 3 fields", "cut off"),
    ),
    File(name="a title", content=f"Patients of 2024\n{PLAIN}".encode(), words=("line 1", "title")),
    File(
        name="a title above semicolons",
        content=f"Patients, 2024\n{GERMAN}".encode(),
        words=("line 1", "title", "semicolons"),
    ),
    File(
        name="commas for both",
        content=PLAIN.replace(".", ",").encode(),
        words=("header in line 1", "decimal comma"),
    ),
    File(
        name="one column with decimal commas",
        content=b"price\n1,5\n2,5\n3,75\n",
        words=("decimal comma",),
    ),
    File(
        name="an integer and a decimal comma",
        content=b"n,price\n" + b"".join(b"%d,%d,50\n" % (i, i * 3) for i in range(40)),
        words=("decimal comma", "index"),
    ),
    File(
        name="an open quote",
        content=edited(5, '0.40,"0.05,1'),
        words=("quote", "opened in line 5"),
    ),
    File(name="text after a quote", content=edited(5, '0.40,"0.05"x,1'), words=("Line 5", "quote")),
    File(
        name="whole lines in quotes",
        content="".join(f'"{line}"\n' for line in PLAIN.splitlines()).encode(),
        words=("Each line as a whole stands in quotes",),
    ),
    File(
        name="joined files",
        content=(PLAIN + PLAIN).encode(),
        words=("header is repeated in line 42",),
    ),
    File(name="carets", content=table("^").encode(), words=("separated by carets",)),
    File(name="Hive", content=table("\x01").encode(), words=("Ctrl-A (Hive)",)),
    File(name="fixed width", content=table("   ").encode(), words=("fixed width",)),
    File(name="sep= of two signs", content=f"sep=::\n{PLAIN}".encode(), words=("'::'",)),
    File(
        name="either separator",
        content=b"a;b,c;d\n" + b"1;2,3;4\n" * 30,
        words=("commas or semicolons",),
    ),
    File(name="ARFF", content=b"% iris\n@RELATION iris\n@DATA\n1,2\n", words=("ARFF",)),
    File(name="NumPy", content=b"\x93NUMPY\x01\x00v\x00{'descr'", words=("NumPy",)),
]
