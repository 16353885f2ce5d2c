#!/usr/bin/env python3
"""What documents say, held against what it is about; and that their links lead somewhere.

usage: documents_test.py REPOSITORY
"""

import glob
import os
import re
import sys
import unittest

REPOSITORY = sys.argv[1]


def read(path):
    with open(os.path.join(REPOSITORY, path), encoding="utf-8") as file:
        return file.read()


def section(text, heading):
    """What stands below "## heading", up to the next heading of that rank."""
    match = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    assert match, f"no section {heading}"
    return match[1]


def rows(text):
    """The cells of every table's row whose first cell is one name in backticks."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        name = re.fullmatch(r"`([^`]+)`", cells[0])
        if line.startswith("|") and name:
            yield [name[1]] + cells[1:]


def golden_metrics():
    """Program -> metric -> (type, labels). A C++ test holds the file against what is scraped."""
    programs = {}
    for line in read("tests/golden/metrics.txt").splitlines():
        if line.startswith("# "):
            metrics = programs[line[2:]] = {}
        elif line:
            name, kind, *labels = line.split()
            metrics[name] = (kind, set(labels))
    return programs


class Metrics(unittest.TestCase):
    DOCUMENT = read("docs/metrics.md")

    def test_every_metric_stands_in_its_programs_table_and_no_other_does(self):
        for program, golden in golden_metrics().items():
            documented = {}
            for name, kind, labels, unit, meaning in (
                    row for row in rows(section(self.DOCUMENT, program)) if len(row) == 5):
                self.assertNotIn(name, documented, "stands there twice")
                documented[name] = (kind, set(re.findall(r"\w+", labels)))
                self.assertTrue(unit and meaning, name)
                for suffix in ("seconds", "bytes"):
                    if f"_{suffix}" in name:
                        self.assertEqual(unit, suffix, name)
            self.assertEqual(documented, golden, program)

    def test_alerts_ask_for_metrics_and_labels_that_exist(self):
        golden = {name: found for metrics in golden_metrics().values()
                  for name, found in metrics.items()}
        alerts = section(self.DOCUMENT, "What to alert on")
        rules = re.search(r"```yaml\n(.*?)```", alerts, re.S)[1]
        uses = re.findall(r"\b((?:herald|process)_\w+)(?:\{([^}]*)\})?", rules)
        self.assertGreater(len(uses), rules.count("- alert:"))
        for name, selectors in uses:
            base = name if name in golden else re.sub(r"_(bucket|sum|count)$", "", name)
            self.assertIn(base, golden)
            self.assertTrue(name == base or golden[base][0] == "histogram", name)
            self.assertLessEqual(set(re.findall(r'(\w+)\s*[=!]', selectors)), golden[base][1], name)
        grouped = re.findall(r"(?:by|without) \(([^)]*)\) \([^{\[]*?\b(herald_\w+)", rules)
        self.assertTrue(grouped)
        for labels, name in grouped:
            self.assertLessEqual(set(re.findall(r"\w+", labels)), golden[name][1], name)


# What docs/production.md says with a number, and where the code says it.
FIGURES = [
    ("`drain_grace` ({} s)", "server/config/config.h", r"drain_grace = absl::Seconds\((\d+)\)"),
    ("`delivery.provider_timeout` ({} s)", "server/config/config.h",
     r"provider_timeout = absl::Seconds\((\d+)\)"),
    ("`delivery.lease` ({} s)", "server/config/config.h", r"\blease = absl::Seconds\((\d+)\)"),
    ("`--grace` ({} s)", "server/webhook/config.h", r"\bgrace = absl::Seconds\((\d+)\)"),
    ("waits {} s for the database", "server/main.cc", r"kMigratePatience = absl::Seconds\((\d+)\)"),
    ("come again after {} minutes", "server/rpc/server_options.h",
     r"connection_age_max = absl::Minutes\((\d+)\)"),
    ("none free for {} s", "storage/postgres/connection_pool.h",
     r"acquire_timeout = absl::Seconds\((\d+)\)"),
]


class Production(unittest.TestCase):
    DOCUMENT = read("docs/production.md")
    PROSE = " ".join(DOCUMENT.split())

    def test_figures_are_those_of_the_code(self):
        for phrase, path, pattern in FIGURES:
            found = re.findall(pattern, read(path))
            self.assertEqual(len(found), 1, f"{path}: {pattern}")
            self.assertIn(phrase.format(found[0]), self.PROSE)
        self.assertIn("readiness_interval = absl::Seconds(1);", read("server/rpc/server_options.h"))
        self.assertIn("looked at every second", self.PROSE)

    def test_connections_are_those_of_every_pool(self):
        pools = dict(re.findall(r"int (\w+_connections) = (\d+);", read("server/config/config.h")))
        made = re.findall(r"_pool\(\{config\.database_dsn, (?:config\.(\w+)|1)\}\)",
                          read("server/storage_set.h"))
        self.assertEqual(sorted(made), sorted(["", *pools]))
        table = section(self.DOCUMENT, "Connections")
        self.assertEqual({name: count for name, count in rows(table) if name in pools}, pools)
        self.assertIn("| of the vacuum, not configurable | 1 |", table)
        total = 1 + sum(int(count) for count in pools.values())
        self.assertIn(f"| **sum** | **{total}** |", table)

    def test_keys_tables_and_flags_exist(self):
        keys = re.search(r"```yaml\n(.*?)```", read("docs/configuration.md"), re.S)[1]
        top = set(re.findall(r"^(\w+):", keys, re.M))
        named = set(re.findall(r"\b([a-z_]+(?:\.[a-z_]+)+)\b", " ".join(
            re.findall(r"`([^`\n]+)`", self.DOCUMENT))))
        configured = {name for name in named if name.split(".")[0] in top}
        self.assertGreater(len(configured), 5)
        for name in configured:
            for part in name.split("."):
                self.assertRegex(keys, rf"\b{part}:", name)
        schema = read("storage/postgres/migrations/0001_spine.sql")
        for table in re.findall(r"\bherald\.(\w+)", self.DOCUMENT):
            self.assertIn(f"CREATE TABLE herald.{table} (", schema)
        flags = read("server/flags.cc") + read("server/webhook/config.cc")
        for flag in set(re.findall(r"(?<=[` ])--[a-z][a-z-]+", self.DOCUMENT)):
            self.assertIn(f'"{flag}"', flags)
        for role in ("herald_api", "herald_engine"):
            self.assertIn(f"'{role}'", read("storage/postgres/migrations.cc"))
            self.assertIn(f"CREATE ROLE {role} NOLOGIN;", self.DOCUMENT)


def anchor(heading):
    """As the web pages of repositories make it of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-")


class Links(unittest.TestCase):
    def test_lead_to_files_and_headings(self):
        pages = [os.path.relpath(path, REPOSITORY)
                 for pattern in ("*.md", "docs/**/*.md", "examples/*.md")
                 for path in glob.glob(os.path.join(REPOSITORY, pattern), recursive=True)]
        self.assertIn("README.md", pages)
        for page in pages:
            text = re.sub(r"```.*?```", "", read(page), flags=re.S)
            for link in re.findall(r"\]\(([^)\s]+)\)", text):
                if "://" in link:
                    continue
                target, _, place = link.partition("#")
                path = os.path.normpath(os.path.join(os.path.dirname(page), target)
                                        if target else page)
                self.assertTrue(os.path.exists(os.path.join(REPOSITORY, path)), f"{page}: {link}")
                if place:
                    headings = re.findall(r"^#+ (.*)$", read(path), re.M)
                    self.assertIn(place, [anchor(heading) for heading in headings],
                                  f"{page}: {link}")

    def test_readme_shows_what_the_example_does(self):
        example = [line.strip() for line in read("examples/cpp/send_email.cc").splitlines()]
        shown = re.search(r"```cpp\n(.*?)```", read("README.md"), re.S)[1]
        at = 0
        for line in filter(None, shown.splitlines()):
            self.assertIn(line, example[at:])
            at = example.index(line, at) + 1

    def test_readme_leads_to_every_document(self):
        readme = read("README.md")
        for path in glob.glob(os.path.join(REPOSITORY, "docs", "*.md")):
            link = f"(docs/{os.path.basename(path)})"
            self.assertTrue(link in readme, f"README.md has no {link}")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
