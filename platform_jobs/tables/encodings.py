"""Bytes to text, by the marks and zeros that prove an encoding.

charset-normalizer 3.5 takes a Windows-1252 header with an umlaut for cp1250, so that no encoding of
one byte a letter is guessed.
"""

import codecs

from platform_jobs.errors import ContractError

# UTF-32 comes first, because its mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8", ""),
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)
BOM = "\ufeff"
_SAMPLE = 2000


def decode(content: bytes) -> tuple[str, list[str]]:
    """Return the text and notes on its encoding.

    Raises ContractError, which names the line and the byte, for text that is neither UTF-8 nor
    UTF-16 or UTF-32: the letters of one byte differ between Windows, DOS and Mac.
    """
    encoding, named, length = _encoding(content)
    try:
        text = content[length:].decode(encoding)
    except UnicodeDecodeError as error:
        raise ContractError(_undecodable(content[length:], error, named)) from None
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        raise ContractError(
            f"Line {line} holds a NUL byte, so that the file is binary or damaged. Save it as CSV."
        )
    return text.lstrip(BOM), [f"It is encoded as {named}."] if named else []


def _encoding(content: bytes) -> tuple[str, str, int]:
    for mark, encoding, named in _MARKS:
        if content.startswith(mark):
            return encoding, named, len(mark)
    # UTF-16 without a mark: of the two bytes of each ASCII letter one is zero.
    sample = content[:_SAMPLE]
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros, others = sample[first::2], sample[1 - first :: 2]
        if len(sample) > 3 and zeros.count(0) > 0.9 * len(zeros) and not others.count(0):
            return encoding, "UTF-16", 0
    return "utf-8", "", 0


def _undecodable(content: bytes, error: UnicodeDecodeError, named: str) -> str:
    line = content.count(b"\n", 0, error.start) + 1
    if named:
        return f"The file is encoded as {named} and is damaged in line {line}. Save it again."
    byte = content[error.start : error.start + 1]
    letter = byte.decode("cp1252", errors="replace")
    guess = f", which is {letter!r} in Windows-1252 (Latin-1)" if letter.isprintable() else ""
    return (
        f"Line {line} is not UTF-8: it holds the byte 0x{byte.hex().upper()}{guess}. Save the file "
        "with the encoding UTF-8 (in Excel: CSV UTF-8)."
    )
