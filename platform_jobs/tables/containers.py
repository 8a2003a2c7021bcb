"""Files that are no text: unpacks gzip, and names every other format that is saved as CSV."""

import gzip
import io
import json
import re
import zipfile
import zlib

from platform_jobs.errors import ContractError

# One gzip file of 1 MB can unpack to 1 GB of zeros.
MAX_UNPACKED = 1 << 30
_CHUNK = 1 << 20
_SAVE = "Save the table as CSV (UTF-8, commas) and put that file in place."
# Source: the formats' specifications and the magic file of file(1).
_MAGIC = (
    (b"PARE", "a Parquet file with an encrypted footer"),
    (b"ARROW1", "an Arrow (Feather) file"),
    (b"FEA1", "a Feather file"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook (.xls)"),
    (b"\x93NUMPY", "a NumPy array (.npy)"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"BZh", "compressed with bzip2"),
    (b"\xfd7zXZ\x00", "compressed with xz"),
    (b"\x28\xb5\x2f\xfd", "compressed with Zstandard"),
    (b"\x04\x22\x4d\x18", "compressed with LZ4"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"<stata_dta>", "a Stata data set (.dta)"),
    (b"$FL2", "an SPSS data set (.sav)"),
    (b"RDX2", "an R workspace"),
    (b"RDX3", "an R workspace"),
    (b"X\n\x00\x00", "an R object (.rds)"),
    (b"version https://git-lfs", "a pointer of Git LFS, not the data (run `git lfs pull` first)"),
    (b"/annex/objects/", "a pointer of git-annex, not the data (run `git annex get` first)"),
)
# Files inside of a zip archive that tell which program wrote it.
_INSIDE = (
    ("xl/workbook", "an Excel workbook (.xlsx)"),
    ("content.xml", "an OpenDocument spreadsheet (.ods)"),
    ("word/document", "a Word document"),
    (".npy", "a NumPy archive (.npz)"),
)


def unpack(content: bytes, *, most: int = MAX_UNPACKED) -> tuple[bytes, list[str]]:
    """Return the bytes of a text file and notes on how they were packed.

    `most` is the greatest size in bytes that a compressed file may unpack to. Raises
    ContractError, which names the format, when the file is not a text.
    """
    notes = []
    if content.startswith(b"\x1f\x8b"):
        content = _gunzip(content, most)
        notes.append("It is compressed with gzip.")
    if kind := _binary(content):
        raise ContractError(f"The file is {kind}. {_SAVE}")
    return content, notes


def refuse_markup(text: str) -> None:
    """Raise ContractError, which names the format, when the text is HTML, XML, JSON or ARFF."""
    head = text.lstrip()[:2000]
    if re.match(r"(<!--.*?-->\s*)?<(!doctype html|html|head|body)\b", head, re.I | re.S):
        title = re.search(r"<title[^>]*>\s*(.*?)\s*</title>", head, re.I | re.S)
        named = f" with the title {title[1][:80]!r}" if title else ""
        raise ContractError(
            f"The file is an HTML page{named}, perhaps the error or sign-in page of a server. "
            "Download the data again."
        )
    if match := re.match(r"(<\?xml.*?\?>\s*)?<([A-Za-z][\w:.-]*)[\s/>]", head, re.S):
        raise ContractError(f"The file is XML (root element {match[2]!r}). {_SAVE}")
    if kind := _json_kind(text.strip()):
        raise ContractError(f"The file is {kind}. {_SAVE}")
    if re.match(r"(%.*\n|\s)*@relation\b", head, re.I):
        raise ContractError(f"The file is an ARFF file (Weka). {_SAVE}")


def _gunzip(content: bytes, most: int) -> bytes:
    """Return the text of one or more gzip members."""
    unpacked = io.BytesIO()
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            while part := file.read(_CHUNK):
                unpacked.write(part)
                if unpacked.tell() > most:
                    raise ContractError(
                        f"The file is compressed with gzip and unpacks to over {most >> 20} MiB. "
                        "Upload a smaller file."
                    )
    except EOFError:
        raise ContractError(
            "The file is compressed with gzip and is cut off. Upload it again."
        ) from None
    except (OSError, zlib.error) as error:
        raise ContractError(
            f"The file is compressed with gzip and is damaged ({error}). Upload it again."
        ) from error
    return unpacked.getvalue()


def _binary(content: bytes) -> str:
    for magic, kind in _MAGIC:
        if content.startswith(magic):
            return kind
    if content.startswith(b"PK\x03\x04"):
        return _zip_kind(content)
    if content[257:262] == b"ustar":
        return "a tar archive"
    # A pickle is never loaded: it runs the code that its author chose.
    if content[:1] == b"\x80" and content[1:2] in b"\x02\x03\x04\x05" and content.endswith(b"."):
        return "a Python pickle"
    return ""


def _zip_kind(content: bytes) -> str:
    try:
        names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return "a damaged zip archive"
    for inside, kind in _INSIDE:
        if any(inside in name for name in names):
            return kind
    return f"a zip archive that holds {', '.join(names[:3])}"


def _json_kind(text: str) -> str:
    if text[:1] not in ("{", "["):
        return ""
    lines = text.splitlines()
    if len(lines) > 1 and _is_json(lines[0]) and _is_json(lines[1]):
        return "JSON Lines"
    if text[0] == "{" or _is_json(text):
        return "JSON"
    # "[{" begins no header; "[age],[bmi]" of an SQL tool may.
    return "JSON, perhaps cut off" if re.match(r"\[\s*[\[{]", text) else ""


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict | list)
    except (ValueError, RecursionError):
        return False
