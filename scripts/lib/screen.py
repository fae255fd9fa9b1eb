"""Runs a command on a terminal of its own and draws what its screen shows as an SVG.

    screen.py --out FILE --size COLUMNSxROWS --shown TEXT [--when TEXT --for SECONDS]
              [--replace FROM=TO]... -- COMMAND...

The screen is drawn at its end and, above that, as it was when TEXT of --when had stood on it for that
long. TEXT of --shown is the command as the picture shows it. --replace keeps what belongs to this
machine out of it. Only Python's own modules are used.
"""

import argparse
import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time
from html import escape

COLOURS = ["#6b7280", "#f87171", "#4ade80", "#facc15", "#60a5fa", "#c084fc", "#22d3ee", "#e5e7eb"]
PLAIN = ("#d1d5db", False)
WIDTH, HEIGHT, MARGIN = 8.0, 18, 16


class Screen:
    """As much of a terminal as progress bars and colours need."""

    def __init__(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.lines = [[]]
        self.row = self.column = 0
        self.style = PLAIN
        self.rest = ""

    def feed(self, text):
        text = self.rest + text
        self.rest = ""
        at = 0
        while at < len(text):
            char = text[at]
            if char == "\x1b":
                found = re.compile(r"\x1b(?:\[([?0-9;]*)([@-~])|\][^\x07]*\x07|[^\[\]])").match(text, at)
                if not found:
                    self.rest = text[at:]
                    return
                if found.group(2):
                    self.control(found.group(1), found.group(2))
                at = found.end()
                continue
            if char == "\r":
                self.column = 0
            elif char == "\n":
                self.down()
            elif char == "\b":
                self.column = max(0, self.column - 1)
            elif char >= " ":
                self.write(char)
            at += 1

    def down(self):
        self.row += 1
        while len(self.lines) <= self.row:
            self.lines.append([])

    def write(self, char):
        if self.column >= self.columns:
            self.column = 0
            self.down()
        line = self.lines[self.row]
        while len(line) <= self.column:
            line.append((" ", PLAIN))
        line[self.column] = (char, self.style)
        self.column += 1

    def control(self, numbers, name):
        many = [int(number) if number.isdigit() else 0 for number in numbers.split(";")]
        count = max(1, many[0])
        if name == "A":
            self.row = max(0, self.row - count)
        elif name == "B":
            for _ in range(count):
                self.down()
        elif name == "C":
            self.column += count
        elif name == "D":
            self.column = max(0, self.column - count)
        elif name == "G":
            self.column = count - 1
        elif name == "K":
            line = self.lines[self.row]
            if many[0] == 2:
                line.clear()
            elif many[0] == 0:
                del line[self.column:]
        elif name == "J":
            del self.lines[self.row + 1:]
            del self.lines[self.row][self.column:]
        elif name == "m":
            self.paint(many)

    def paint(self, codes):
        colour, bold = self.style
        at = 0
        while at < len(codes):
            code = codes[at]
            if code == 0:
                colour, bold = PLAIN
            elif code == 1:
                bold = True
            elif code == 2:
                colour = COLOURS[0]
            elif code == 22:
                bold = False
            elif code == 39:
                colour = PLAIN[0]
            elif 30 <= code <= 37:
                colour = COLOURS[code - 30]
            elif 90 <= code <= 97:
                colour = COLOURS[code - 90]
            elif code == 38 and codes[at + 1:at + 2] == [5]:
                colour = COLOURS[codes[at + 2] % 8]
                at += 2
            at += 1
        self.style = (colour, bold)

    def copy(self):
        lines = [list(line) for line in self.lines]
        while lines and not "".join(char for char, _ in lines[-1]).strip():
            lines.pop()
        return lines[-self.rows:]

    def text(self):
        return "\n".join("".join(char for char, _ in line) for line in self.lines)


def run(command, columns, rows, replacements, when, seconds):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    screen, pending, since, middle = Screen(columns, rows), b"", None, None
    while True:
        readable, _, _ = select.select([terminal], [], [], 0.1)
        if readable:
            try:
                read = os.read(terminal, 65536)
            except OSError:
                read = b""
            if not read:
                break
            pending += read
            # What is to be replaced, or a character, may come in two pieces.
            cut = len(pending) if pending.endswith(b"\n") else pending.rfind(b"\x1b")
            cut = len(pending) if cut <= 0 else cut
            text = pending[:cut].decode("utf-8", "replace")
            pending = pending[cut:]
            for old, new in replacements:
                text = text.replace(old, new)
            screen.feed(text)
        elif pending:
            # Nothing more comes for now, so it is whole.
            screen.feed(pending.decode("utf-8", "replace"))
            pending = b""
        if when and middle is None and when in screen.text():
            since = since or time.monotonic()
            if time.monotonic() - since >= seconds:
                middle = screen.copy()
    _, status = os.waitpid(pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"screen.py: {command[0]} failed:\n{screen.text()}")
    if when and middle is None:
        sys.exit(f"screen.py: {when!r} did not stand on the screen:\n{screen.text()}")
    return middle, screen.copy()


def runs(line):
    """The line in pieces of one style."""
    pieces = []
    for char, style in line:
        if pieces and pieces[-1][1] == style:
            pieces[-1][0] += char
        else:
            pieces.append([char, style])
    return pieces


def draw(lines, columns):
    width = columns * WIDTH + 2 * MARGIN
    height = len(lines) * HEIGHT + 2 * MARGIN + 24
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" '
        f'width="{width:.0f}" height="{height}" font-size="13" '
        'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, \'DejaVu Sans Mono\', monospace">',
        f'<rect width="{width:.0f}" height="{height}" rx="8" fill="#111827"/>',
    ]
    for number, colour in enumerate(["#f87171", "#facc15", "#4ade80"]):
        parts.append(f'<circle cx="{MARGIN + 6 + number * 18}" cy="18" r="5" fill="{colour}"/>')
    for number, line in enumerate(lines):
        y = MARGIN + 24 + number * HEIGHT + 13
        column = 0
        for text, (colour, bold) in runs(line):
            if text.strip():
                # Whatever the font, a column is a column.
                left = len(text) - len(text.lstrip())
                shown = text.strip()
                x = MARGIN + (column + left) * WIDTH
                weight = ' font-weight="bold"' if bold else ""
                parts.append(
                    f'<text x="{x:.0f}" y="{y}" fill="{colour}"{weight} xml:space="preserve" '
                    f'textLength="{len(shown) * WIDTH:.0f}" lengthAdjust="spacingAndGlyphs">'
                    f"{escape(shown)}</text>"
                )
            column += len(text)
    return "\n".join(parts + ["</svg>"]) + "\n"


def plain(text, colour=PLAIN[0], bold=False):
    return [(char, (colour, bold)) for char in text]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    parser.add_argument("--size", required=True)
    parser.add_argument("--shown", required=True)
    parser.add_argument("--when")
    parser.add_argument("--for", type=float, default=1.0, dest="seconds")
    parser.add_argument("--replace", action="append", default=[])
    parser.add_argument("command", nargs="+")
    given = parser.parse_args()
    columns, rows = (int(number) for number in given.size.split("x"))
    replacements = [pair.split("=", 1) for pair in given.replace]
    middle, end = run(given.command, columns, rows, replacements, given.when, given.seconds)
    prompt = plain("$ ", COLOURS[2]) + plain(given.shown, "#ffffff", True)
    lines = [prompt]
    if middle:
        lines += middle + [[], plain("  … and when that transaction has ended:", COLOURS[0]), []]
    lines += end
    with open(given.out, "w", encoding="utf-8") as file:
        file.write(draw(lines, columns))


main()
