"""Just enough reading of C++ for the size rules: a scanner, not a parser."""

import re
from typing import Iterable, List, Tuple

_TOKEN = re.compile(
    r'//[^\n]*'
    r'|/\*.*?\*/'
    r'|R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)"'
    r'|"(?:\\.|[^"\\\n])*"'
    # Not the separator of 1'000'000.
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",
    re.DOTALL)


def strip(text: str) -> str:
    """The text without comments and the insides of literals; every line stays where it was."""

    def blank(match: "re.Match[str]") -> str:
        token = match[0]
        # Included names are literals too, and wanted.
        line_start = text.rfind("\n", 0, match.start()) + 1
        if re.match(r"\s*#\s*include", text[line_start:match.start()]):
            return token
        newlines = "\n" * token.count("\n")
        return newlines if token.startswith("/") else f'"{newlines}"'

    return _TOKEN.sub(blank, text)


_TYPE_SCOPE = re.compile(r"\b(class|struct|union|enum|namespace|extern)\b[^()]*$")


def _function_name(head: str) -> str:
    """The name in what stands before a brace, or '' when that is no function."""
    without_template = re.sub(r"^\s*template\s*<[^{}]*?>\s*(?=\w)", "", head)
    if "(" not in head or _TYPE_SCOPE.search(without_template):
        return ""
    before = head.split("(", 1)[0]
    if "=" in before and "operator" not in before:
        return ""  # an initialiser
    match = re.search(r"([\w:~]+|operator\s*\S+)\s*$", before)
    name = match[1] if match else "?"
    if name in ("TEST", "TEST_F", "TEST_P"):
        arguments = head.split("(", 1)[1].split(")")[0]
        name = ".".join(part.strip() for part in arguments.split(","))
    return name


def functions(text: str) -> Iterable[Tuple[str, int, int]]:
    """(name, line, lines) of every outermost function, from its opening to its closing brace."""
    code = strip(text)
    # Preprocessor lines hold braces that need not match.
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: "\n" * m[0].count("\n"), code,
                  flags=re.MULTILINE)
    scopes: List[Tuple[str, int]] = []
    head_start = 0
    line = 1
    for position, char in enumerate(code):
        if char == "\n":
            line += 1
        elif char == "{":
            inside = any(name for name, _ in scopes)
            name = "" if inside else _function_name(code[head_start:position])
            scopes.append((name, line))
            head_start = position + 1
        elif char == "}" and scopes:
            name, start = scopes.pop()
            if name:
                yield name, start, line - start + 1
            head_start = position + 1
        elif char == ";":
            head_start = position + 1
