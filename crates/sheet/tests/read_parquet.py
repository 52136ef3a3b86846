"""Reads a flat Parquet file with nothing but Python, from the format's specification.

Written apart from the Rust writer, to check it: https://github.com/apache/parquet-format (README,
Encodings.md, parquet.thrift). Takes what such files may hold (version 1 data pages, plain values,
dictionaries, optional columns, any number of groups) and refuses everything else.

    python3 read_parquet.py FILE

prints a line for each column (name, type, number of empty cells), then a line for each row: cells separated by
spaces, `-` for an empty one, `t:` and hexadecimal UTF-8 for text, `n:` and the number otherwise.
"""

import sys


class Thrift:
    """The compact protocol: structs become dictionaries from field numbers to values."""

    def __init__(self, data, at):
        self.data, self.at = data, at

    def byte(self):
        self.at += 1
        return self.data[self.at - 1]

    def unsigned(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def signed(self):
        value = self.unsigned()
        return value >> 1 ^ -(value & 1)

    def value(self, kind):
        if kind in (1, 2):
            return kind == 1
        if kind == 3:
            return self.byte()
        if kind in (4, 5, 6):
            return self.signed()
        if kind == 8:
            length = self.unsigned()
            self.at += length
            return self.data[self.at - length : self.at]
        if kind == 9:
            head = self.byte()
            count = head >> 4
            if count == 15:
                count = self.unsigned()
            return [self.value(head & 15) for _ in range(count)]
        if kind == 12:
            return self.struct()
        raise ValueError(f"type {kind} is not expected here")

    def struct(self):
        fields, last = {}, 0
        while True:
            head = self.byte()
            if head == 0:
                return fields
            last = last + (head >> 4) if head >> 4 else self.signed()
            fields[last] = self.value(head & 15)


def hybrid(data, at, width, count):
    """Runs and bit-packed values; the values and where they end."""
    values, thrift = [], Thrift(data, at)
    while len(values) < count:
        head = thrift.unsigned()
        if head & 1:
            size = (head >> 1) * width
            bits = int.from_bytes(data[thrift.at : thrift.at + size], "little")
            thrift.at += size
            values += [bits >> n * width & (1 << width) - 1 for n in range((head >> 1) * 8)]
        else:
            size = (width + 7) // 8
            values += [int.from_bytes(data[thrift.at : thrift.at + size], "little")] * (head >> 1)
            thrift.at += size
    return values[:count], thrift.at


def plain(data, at, kind, count, signed):
    values = []
    for _ in range(count):
        if kind == 2:
            values.append(int.from_bytes(data[at : at + 8], "little", signed=signed))
            at += 8
        elif kind == 6:
            length = int.from_bytes(data[at : at + 4], "little")
            values.append(data[at + 4 : at + 4 + length].decode())
            at += 4 + length
        else:
            raise ValueError(f"physical type {kind} is not expected here")
    return values


def page(data, at):
    """A page's header, its body and where the next one begins."""
    thrift = Thrift(data, at)
    header = thrift.struct()
    if header[2] != header[3]:
        raise ValueError("the page is compressed")
    return header, data[thrift.at : thrift.at + header[2]], thrift.at + header[2]


def chunk(data, about, element):
    kind, optional = element[1], element[3] == 1
    signed = element.get(6) != 14
    if about[4] != 0 or about[1] != kind:
        raise ValueError("the chunk is compressed or of another type")
    words, at, values = None, about.get(11, about[9]), []
    while len(values) < about[5]:
        header, body, at = page(data, at)
        if header[1] == 2:
            words = plain(body, 0, kind, header[7][1], signed)
            continue
        if header[1] != 0:
            raise ValueError(f"pages of type {header[1]} are not expected here")
        count, encoding = header[5][1], header[5][2]
        begin, filled = 0, [1] * count
        if optional:
            length = int.from_bytes(body[:4], "little")
            filled, end = hybrid(body, 4, 1, count)
            begin = 4 + length
            if end != begin:
                raise ValueError("the levels end elsewhere than they say")
        present = sum(filled)
        if encoding == 0:
            found = plain(body, begin, kind, present, signed)
        elif encoding == 8:
            places, _ = hybrid(body, begin + 1, body[begin], present)
            found = [words[place] for place in places]
        else:
            raise ValueError(f"encoding {encoding} is not expected here")
        found = iter(found)
        values += [next(found) if level else None for level in filled]
    known = about[12]
    if known[3] != sum(value is None for value in values):
        raise ValueError("the number of empty cells does not fit")
    if 5 in known:
        numbers = [value for value in values if value is not None]
        low, high = (int.from_bytes(known[n], "little", signed=True) for n in (6, 5))
        if (low, high) != (min(numbers), max(numbers)):
            raise ValueError("the smallest and largest value do not fit")
    return values


def read(data):
    if data[:4] != b"PAR1" or data[-4:] != b"PAR1":
        raise ValueError("not a Parquet file")
    size = int.from_bytes(data[-8:-4], "little")
    footer = Thrift(data, len(data) - 8 - size)
    meta = footer.struct()
    if footer.at != len(data) - 8:
        raise ValueError("the footer ends elsewhere than it says")
    root, *elements = meta[2]
    if root[5] != len(elements):
        raise ValueError("the table is not flat")
    columns = [[] for _ in elements]
    for group in meta[4]:
        for column, element, part in zip(columns, elements, group[1], strict=True):
            if part[3][3] != [element[4]]:
                raise ValueError("a chunk is of another column")
            values = chunk(data, part[3], element)
            if len(values) != group[3]:
                raise ValueError("a chunk has another number of rows than its group")
            column += values
    if any(len(column) != meta[3] for column in columns):
        raise ValueError("the number of rows does not fit")
    return elements, columns


def main():
    with open(sys.argv[1], "rb") as file:
        elements, columns = read(file.read())
    for element, column in zip(elements, columns):
        print(element[4].decode(), element[1], sum(value is None for value in column))

    def cell(value):
        if value is None:
            return "-"
        return f"n:{value}" if isinstance(value, int) else "t:" + value.encode().hex()

    for row in zip(*columns):
        print(" ".join(cell(value) for value in row))


if __name__ == "__main__":
    main()
