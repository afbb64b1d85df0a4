"""The block of numbers in a text: which lines are data, which stand before and behind, and which are broken."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from xafsflow.errors import InputError

COMMENT = re.compile(r"\s*(?:[#%!;]|//)")
NUMBER = re.compile(r"[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?|nan|inf(?:inity)?)\Z", re.IGNORECASE)
DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+(?:[eEdD][-+]?\d+)?\Z")
THOUSANDS = re.compile(r"[-+]?\d{1,3}(?:[., '\u2019\u00a0\u202f]\d{3})+(?:[.,]\d+)?\Z")
FEW_ROWS = 3  # so many lines of numbers of one length are data; fewer may be a header's weights or offsets


@dataclass(eq=False)
class Block:
    """Neighboring lines with as many numbers each; `numbers` are those of the lines, from 1."""

    rows: list[list[float]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)

    @property
    def width(self) -> int:
        """Numbers a line."""
        return len(self.rows[0])


@dataclass(frozen=True)
class TextBlocks:
    """The data of a text, the lines before them and the comments among them, stripped and none empty."""

    data: Block
    before: list[str]
    among: list[str]


def fields_of(line: str) -> list[str]:
    """The words of a line between blanks, tabs, commas or semicolons; decimal commas become points.

    Examples
    --------
    >>> fields_of("7112,5; 0,1"), fields_of("7112.5, 0.1"), fields_of("7112,5 0,1")
    (['7112.5', '0.1'], ['7112.5', '0.1'], ['7112.5', '0.1'])
    """
    text = line.strip()
    if ";" in text:
        return [_pointed(word) for word in text.rstrip("; \t").split(";")]
    if "," not in text:
        return [word.strip("\"'") for word in text.split()]
    parts = [part.strip(" \t\"'") for part in text.rstrip(", \t").split(",")]
    if all(NUMBER.match(part) for part in parts):
        return parts
    words = [_pointed(word) for word in text.split()]
    return words if all(NUMBER.match(word) for word in words) else parts


def blocks_of(lines: Sequence[str], place: str) -> TextBlocks:
    """Find the data in the lines of a text: the longest block of lines with as many numbers each.

    Numbers elsewhere may only stand in a header. A text among or behind the data ends them; numbers behind that text
    are refused, since a line of the data may be broken.

    Raises
    ------
    InputError
        There are no numbers, or a line of the data is broken; the message names the line.
    """
    blocks, other = _scan(lines)
    if not blocks:
        _refuse_texts(other, place)
        raise InputError(f"{place} without a line of numbers", "numbers in columns", "check the file")
    data = max(blocks, key=lambda block: len(block.rows))
    for block in blocks[: blocks.index(data)]:
        if _belongs(block, data, lines):
            _refuse_next(lines, block, place)
    if data is not blocks[-1]:
        _refuse_next(lines, data, place)
    for number in _neighbors(lines, data):
        words = other.get(number, [])
        if len(words) == data.width and NUMBER.match(words[0]) and _near(float(words[0]), data.rows[0][0]):
            raise _broken(place, number, words, data)
    before = [line.strip() for line in lines[: data.numbers[0] - 1] if line.strip()]
    span = lines[data.numbers[0] - 1 : data.numbers[-1]]
    return TextBlocks(data, before, [line.strip() for line in span if COMMENT.match(line)])


def _scan(lines: Sequence[str]) -> tuple[list[Block], dict[int, list[str]]]:
    """Blocks in order, and the words of the lines that are neither numbers nor comments, by line number."""
    blocks: list[Block] = []
    other: dict[int, list[str]] = {}
    current = Block()
    for number, line in enumerate(lines, 1):
        if not line.strip() or COMMENT.match(line):
            continue
        row = _row(line)
        if row is None:
            other[number], current = fields_of(line), Block()
            continue
        if not current.rows or len(row) != current.width:
            current = Block()
            blocks.append(current)
        current.rows.append(row)
        current.numbers.append(number)
    return blocks, other


def _refuse_texts(other: dict[int, list[str]], place: str) -> None:
    """Name what keeps lines of several numbers from being data: a column of names or dates, marks of thousands."""
    for number, words in other.items():
        texts = [word for word in words if not NUMBER.match(word)]
        if (texts and len(words) - len(texts) > 1) or any(THOUSANDS.match(word) for word in texts):
            raise InputError(
                f"{place}, line {number}: {next(filter(THOUSANDS.match, texts), texts[0])[:40]!r} among numbers",
                "numbers in all columns, without marks of thousands",
                "take the column out, or export the numbers without marks",
            )


def _row(line: str) -> list[float] | None:
    """The numbers of a line, None where a word is no number."""
    if not any(mark in line for mark in ",;_\"'"):
        try:
            return [float(word) for word in line.split()]
        except ValueError:
            pass  # perhaps a D for the exponent, or a text
    words = fields_of(line)
    if words and all(NUMBER.match(word) for word in words):
        return [float(re.sub("[dD]", "e", word)) for word in words]
    return None


def _pointed(word: str) -> str:
    word = word.strip(" \t\"'")
    return word.replace(",", ".") if DECIMAL_COMMA.match(word) else word


def _belongs(block: Block, data: Block, lines: Sequence[str]) -> bool:
    """Whether a block before the data seems to be a part of them rather than of a header."""
    if block.width == data.width:
        largest = max(
            range(data.width), key=lambda at: abs(data.rows[0][at])
        )  # energies or counts, not a weight
        return _near(block.rows[0][largest], data.rows[0][largest]) or len(block.rows) >= FEW_ROWS
    if block.rows == [[float(len(data.rows))]]:  # how many lines follow
        return False
    return not any(lines[at].strip() for at in range(block.numbers[-1], data.numbers[0] - 1))


def _near(number: float, other: float) -> bool:
    return abs(other) / 2 < abs(number) < 2 * abs(other)


def _refuse_next(lines: Sequence[str], block: Block, place: str) -> None:
    """Refuse the first line behind a block that is no comment."""
    for number in range(block.numbers[-1] + 1, len(lines) + 1):
        line = lines[number - 1]
        if line.strip() and not COMMENT.match(line):
            raise _broken(place, number, fields_of(line), block)


def _neighbors(lines: Sequence[str], block: Block) -> list[int]:
    """The numbers of the lines before and behind a block that are not empty."""
    before = (n for n in range(block.numbers[0] - 1, 0, -1) if lines[n - 1].strip())
    behind = (n for n in range(block.numbers[-1] + 1, len(lines) + 1) if lines[n - 1].strip())
    return [number for numbers in (before, behind) if (number := next(numbers, 0))]


def _broken(place: str, number: int, words: list[str], block: Block) -> InputError:
    wrong = next((word for word in words if not NUMBER.match(word)), None)
    found = f"{len(words)} numbers" if wrong is None else repr(wrong[:40])
    wanted = "a number" if wrong is not None else f"{block.width}, as in line {block.numbers[0]}"
    return InputError(f"{place}, line {number}: {found}", wanted, "mend or remove the line")
