#!/usr/bin/env python3
"""Checks what no compiler checks: include directions, sizes, names. Prints path:line: rule: why.

usage: tidy.py [ROOT]        exits with 1 when there is a finding
"""

import os
import re
import sys
from typing import Callable, Dict, Iterable, List, NamedTuple, Tuple

import cpp
import includes

COLUMNS_MAX = 100
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 500
RATCHET = "tests/tidy/ratchet.txt"

CPP = (".cc", ".h")
CODE = CPP + (".proto", ".py", ".cmake", ".sql", ".sh")
SKIPPED_FOLDERS = {".git", ".cache", ".herald", "build", "node_modules", "__pycache__"}
BANNED_WORDS = {"util", "utils", "common", "helper", "helpers", "manager", "misc"}
# The rules are described, and made to fire, by text that breaks them.
EXEMPT_FOLDER = "tests/tidy/"


class Finding(NamedTuple):
    path: str
    line: int
    rule: str
    why: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.why}"


# The files of a tree, path relative to its root -> text. Only code, so that a tree stays small.
Tree = Dict[str, str]


def read_tree(root: str) -> Tree:
    tree: Tree = {}
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS]
        for name in files:
            path = os.path.relpath(os.path.join(folder, name), root)
            in_scripts = path.startswith(("scripts/", ".ci/"))
            if name.endswith(CODE) or name == "CMakeLists.txt" or in_scripts or path == RATCHET:
                with open(os.path.join(root, path), encoding="utf-8") as file:
                    tree[path] = file.read()
    return tree


def check_columns(tree: Tree) -> Iterable[Finding]:
    for path, text in tree.items():
        if not path.endswith(CPP + (".proto",)):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            # An address cannot be broken, and clang-format does not try.
            if len(line) > COLUMNS_MAX and "://" not in line:
                yield Finding(path, number, "columns", f"{len(line)} columns, at most {COLUMNS_MAX}")


def check_unfinished(tree: Tree) -> Iterable[Finding]:
    for path, text in tree.items():
        for number, line in enumerate(text.splitlines(), 1):
            match = re.search(r"\b(TODO|FIXME|XXX)\b", line)
            if match and not path.startswith(EXEMPT_FOLDER):
                yield Finding(path, number, "unfinished", f"{match[1]}: do it, or file an issue")


def check_names(tree: Tree) -> Iterable[Finding]:
    for path in tree:
        if path.endswith((".cmake", ".proto")):
            continue  # shared messages live in common.proto, as in Google's APIs
        for part in path.split("/"):
            bad = BANNED_WORDS & set(re.split(r"[_\-]", part.split(".")[0].lower()))
            if bad:
                yield Finding(path, 1, "name", f"'{bad.pop()}' does not say what is inside")
                break


def check_string_view(tree: Tree) -> Iterable[Finding]:
    for path, text in tree.items():
        if not path.endswith(CPP):
            continue
        for number, line in enumerate(cpp.strip(text).splitlines(), 1):
            if re.search(r"\bstd::string_view\b|#\s*include\s*<string_view>", line):
                yield Finding(path, number, "string_view", "Abseil's is another type: use that")


def check_listed(tree: Tree) -> Iterable[Finding]:
    lists = {path: text for path, text in tree.items()
             if path.endswith(("CMakeLists.txt", ".cmake"))}
    for path in tree:
        if not path.endswith(".cc"):
            continue
        listed = False
        for list_path, text in lists.items():
            folder = os.path.dirname(list_path) if list_path.endswith("CMakeLists.txt") else ""
            if folder and not path.startswith(folder + "/"):
                continue
            name = path[len(folder) + 1:] if folder else path
            listed = listed or re.search(rf"(?<![\w./]){re.escape(name)}(?![\w.])", re.sub(
                r"\$\{CMAKE_(CURRENT_)?SOURCE_DIR\}/", "", text)) is not None
        if not listed:
            yield Finding(path, 1, "unlisted", "no CMakeLists.txt builds it")


def check_includes(tree: Tree) -> Iterable[Finding]:
    for path, line, rule, why in includes.check(tree):
        yield Finding(path, line, rule, why)


def sizes(tree: Tree) -> Iterable[Tuple[str, str, int, int]]:
    """(rule, what, line, size) of everything that is larger than its limit."""
    for path, text in tree.items():
        lines = text.count("\n")
        if path != RATCHET and lines > FILE_LINES_MAX:
            yield "file-lines", path, 1, lines
        if path.endswith(CPP):
            for name, line, length in cpp.functions(text):
                if length > FUNCTION_LINES_MAX:
                    yield "function-lines", f"{path}:{name}", line, length


def check_sizes(tree: Tree) -> Iterable[Finding]:
    allowed: Dict[Tuple[str, str], Tuple[int, int]] = {}
    for number, line in enumerate(tree.get(RATCHET, "").splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            rule, what, size = line.split()
            allowed[rule, what] = (int(size), number)
    limits = {"file-lines": FILE_LINES_MAX, "function-lines": FUNCTION_LINES_MAX}
    largest: Dict[Tuple[str, str], Tuple[int, int]] = {}
    for rule, what, line, size in sizes(tree):
        if size > largest.get((rule, what), (0, 0))[0]:
            largest[rule, what] = (size, line)
    for (rule, what), (size, line) in largest.items():
        most = allowed.get((rule, what), (limits[rule], 0))[0]
        if size > most:
            yield Finding(what.split(":")[0], line, rule, f"{what} has {size}, at most {most}")
    for (rule, what), (most, number) in allowed.items():
        size = largest.get((rule, what), (0, 0))[0]
        if size < most:
            better = f"lower it to {size}" if size else "remove it"
            yield Finding(RATCHET, number, "ratchet", f"{what} got smaller: {better}")


RULES: List[Callable[[Tree], Iterable[Finding]]] = [
    check_columns, check_unfinished, check_names, check_string_view, check_listed, check_includes,
    check_sizes,
]


def check(tree: Tree) -> List[Finding]:
    return sorted(finding for rule in RULES for finding in rule(tree))


def main() -> int:
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "../..")
    tree = read_tree(root)
    findings = check(tree)
    for finding in findings:
        print(finding)
    print(f"tidy: {len(tree)} files, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
