#!/usr/bin/env python3
"""Every rule of tidy.py fires on a made-up tree, and leaves the right thing alone."""

import os
import tempfile
import unittest

import cpp
import tidy


def findings(tree):
    """'path:line rule' of each finding; every .cc is listed, so that other rules can be tested."""
    sources = "\n".join(path for path in tree if path.endswith(".cc"))
    tree = {"CMakeLists.txt": sources, **tree}
    return [f"{f.path}:{f.line} {f.rule}" for f in tidy.check(tree)]


def include(path, *headers):
    return findings({path: "".join(f'#include "{header}"\n' for header in headers)})


def function(lines):
    return "void Long() {\n" + "  Step();\n" * (lines - 2) + "}\n"


class Direction(unittest.TestCase):
    def test_model_stands_on_abseil_and_idn2(self):
        self.assertEqual(include("model/a.cc", "model/a.h", "absl/time/time.h", "idn2.h", "string"), [])
        self.assertEqual(include("model/a.cc", "string", "unistd.h"), ["model/a.cc:2 direction"])
        self.assertEqual(include("model/a.cc", "storage/b.h"), ["model/a.cc:1 direction"])

    def test_seams_know_the_model_alone(self):
        self.assertEqual(include("storage/a_store.h", "model/a.h", "storage/b.h", "map"), [])
        self.assertEqual(include("storage/a_store.h", "unistd.h"), ["storage/a_store.h:1 direction"])
        self.assertEqual(include("storage/a_store.h", "storage/crypto/b.h"),
                         ["storage/a_store.h:1 direction"])

    def test_leaves_never_point_back(self):
        for path in ("storage/postgres/a.cc", "providers/resend/a.cc"):
            self.assertEqual(include(path, "server/ops/log.h"), [f"{path}:1 direction"])

    def test_delivery_knows_no_rpc(self):
        self.assertEqual(include("server/delivery/a.cc", "server/rpc/b.h"),
                         ["server/delivery/a.cc:1 direction"])

    def test_sidecar_reaches_no_storage(self):
        self.assertEqual(include("server/webhook/a.cc", "storage/b.h"),
                         ["server/webhook/a.cc:1 direction"])

    def test_only_main_names_concrete_classes(self):
        for header in ("storage/postgres/b.h", "providers/resend/b.h", "providers/sandbox/b.h"):
            self.assertEqual(include("server/main.cc", header), [])
            self.assertEqual(include("tests/e2e/a.cc", header), [])
            self.assertEqual(include("server/rpc/a.cc", header), ["server/rpc/a.cc:1 direction"])

    def test_providers_share_the_http_engine_and_nothing_else(self):
        self.assertEqual(include("providers/resend/a.cc", "providers/http/b.h"), [])
        self.assertEqual(include("providers/resend/a.cc", "providers/ses/b.h"),
                         ["providers/resend/a.cc:1 direction"])

    def test_decoders_may_be_listed_and_shared(self):
        for path in ("providers/decoders/a.cc", "providers/sandbox/a.cc"):
            self.assertEqual(include(path, "providers/resend/webhook_decoder.h"), [])
        self.assertEqual(include("server/webhook/config.cc", "providers/decoders/a.h"), [])
        self.assertEqual(include("server/webhook/config.cc", "providers/resend/webhook_decoder.h"),
                         ["server/webhook/config.cc:1 direction"])

    def test_sidecar_main_names_decoders_alone(self):
        path = "server/webhook/main.cc"
        self.assertEqual(include(path, "providers/resend/resend_decoder.h"), [])
        self.assertEqual(include(path, "providers/resend/resend_provider.h"), [f"{path}:1 direction"])


class Vendor(unittest.TestCase):
    def test_each_header_stays_at_home(self):
        for header, home in (("pqxx/pqxx", "storage/postgres"), ("curl/curl.h", "providers/http"),
                             ("curl/curl.h", "providers/smtp"), ("grpcpp/grpcpp.h", "server/rpc"),
                             ("grpcpp/grpcpp.h", "server/webhook"), ("grpcpp/grpcpp.h", "client"),
                             ("proto/herald/v1/a.grpc.pb.h", "server/rpc"),
                             ("prometheus/counter.h", "server/ops"),
                             ("boost/beast.hpp", "server/webhook"),
                             ("gumbo.h", "server/templates")):
            self.assertEqual(include(f"{home}/a.cc", header), [])
            self.assertEqual(include("server/audience/a.cc", header),
                             ["server/audience/a.cc:1 vendor"], header)

    def test_delivery_knows_no_vendor(self):
        for header in ("grpcpp/grpcpp.h", "pqxx/pqxx", "curl/curl.h"):
            self.assertEqual(include("server/delivery/a.cc", header),
                             ["server/delivery/a.cc:1 vendor"])

    def test_main_may_start_the_grpc_server(self):
        self.assertEqual(include("server/main.cc", "grpcpp/grpcpp.h"), [])

    def test_comments_and_strings_include_nothing(self):
        text = '// #include <pqxx/pqxx>\nconst char* x = R"(\n#include <pqxx/pqxx>\n)";\n'
        self.assertEqual(findings({"server/audience/a.cc": text}), [])

    def test_no_header_carries_one_into_another_folder(self):
        header = {"server/ops/family.h": "#include <prometheus/family.h>\n"}
        user = '#include "server/ops/family.h"\n'
        self.assertEqual(findings({**header, "server/ops/a.cc": user}), [])
        self.assertEqual(findings({**header, "tests/unit/a.cc": user}), [])
        self.assertEqual(findings({**header, "server/rpc/a.cc": user}),
                         ["server/rpc/a.cc:1 vendor-leak"])


class Lines(unittest.TestCase):
    def test_columns(self):
        self.assertEqual(findings({"model/a.h": "é" * 100 + "\n"}), [])
        self.assertEqual(findings({"model/a.h": "\n" + "x" * 101 + "\n"}), ["model/a.h:2 columns"])
        self.assertEqual(findings({"proto/a.proto": "x" * 101 + "\n"}), ["proto/a.proto:1 columns"])
        self.assertEqual(findings({"model/a.h": "// https://" + "x" * 100 + "\n"}), [])

    def test_unfinished_work(self):
        self.assertEqual(findings({"model/a.h": "// TODO: more\n"}), ["model/a.h:1 unfinished"])
        self.assertEqual(findings({"scripts/a": "# FIXME\n"}), ["scripts/a:1 unfinished"])
        self.assertEqual(findings({"model/a.h": "// A TODOLIST\n"}), [])

    def test_string_view(self):
        self.assertEqual(findings({"model/a.h": "std::string_view x;\n"}), ["model/a.h:1 string_view"])
        self.assertEqual(findings({"model/a.h": "#include <string_view>\n"}),
                         ["model/a.h:1 string_view"])
        self.assertEqual(findings({"model/a.h": "absl::string_view x;  // not std::string_view\n"}), [])


class Names(unittest.TestCase):
    def test_names_that_say_nothing(self):
        for path in ("model/util.h", "server/common/a.h", "tests/helpers/a.h",
                     "server/session_manager.h", "model/string_utils.h"):
            self.assertEqual(findings({path: ""}), [f"{path}:1 name"])
        self.assertEqual(findings({"model/utility_bill.h": "", "model/commons.h": "", "proto/common.proto": ""}), [])

    def test_every_source_is_built(self):
        self.assertEqual(findings({"model/CMakeLists.txt": "lane.cc", "model/lane.cc": ""}), [])
        tree = {"CMakeLists.txt": "add_subdirectory(model)", "model/CMakeLists.txt": "airplane.cc",
                "model/lane.cc": ""}
        self.assertEqual([str(f) for f in tidy.check(tree)],
                         ["model/lane.cc:1: unlisted: no CMakeLists.txt builds it"])


class Sizes(unittest.TestCase):
    def test_functions(self):
        self.assertEqual(findings({"model/a.cc": function(70)}), [])
        self.assertEqual(findings({"model/a.cc": "\n" + function(71)}),
                         ["model/a.cc:2 function-lines"])

    def test_files(self):
        self.assertEqual(findings({"model/a.h": "\n" * 500}), [])
        self.assertEqual(findings({"model/a.h": "\n" * 501}), ["model/a.h:1 file-lines"])

    def test_the_ratchet_holds_what_was_too_long(self):
        ratchet = {tidy.RATCHET: "# why\nfunction-lines model/a.cc:Long 80\n"}
        self.assertEqual(findings({**ratchet, "model/a.cc": function(80)}), [])
        self.assertEqual(findings({**ratchet, "model/a.cc": function(81)}),
                         ["model/a.cc:1 function-lines"])

    def test_the_ratchet_may_only_shrink(self):
        ratchet = {tidy.RATCHET: "function-lines model/a.cc:Long 80\n"}
        for lines in (79, 70):
            self.assertEqual(findings({**ratchet, "model/a.cc": function(lines)}),
                             [f"{tidy.RATCHET}:1 ratchet"])
        ratchet = {tidy.RATCHET: "file-lines model/a.h 600\n"}
        self.assertEqual(findings({**ratchet, "model/a.h": "\n" * 550}), [f"{tidy.RATCHET}:1 ratchet"])


class Functions(unittest.TestCase):
    def names(self, text):
        return [(name, lines) for name, _, lines in cpp.functions(text)]

    def test_are_found_in_namespaces_and_classes(self):
        self.assertEqual(self.names("namespace a {\nclass B : public C {\n  int D() const { return 1; }\n"
                                    "};\nint B::E(int x) {\n  if (x) {\n    F();\n  }\n}\n}\n"),
                         [("D", 1), ("B::E", 5)])

    def test_are_told_from_initialisers_and_types(self):
        self.assertEqual(self.names("const X kX = F({1, 2});\nstruct A { int b; };\nenum class E { k };\n"
                                    "const int kList[] = {1, 2};\n"), [])

    def test_have_templates_and_initialiser_lists(self):
        self.assertEqual(self.names("template <class T>\nT A(T t) {\n  return t;\n}\n"
                                    "B::B(int x)\n    : x_(x) {\n  C();\n}\n"), [("A", 3), ("B::B", 3)])

    def test_are_tests_too(self):
        self.assertEqual(self.names("TEST_F(Lane, Has) {\n}\n"), [("Lane.Has", 2)])

    def test_are_not_confused_by_braces_in_text(self):
        self.assertEqual(self.names("void A() {\n  B(\"{{\", '{', R\"x(\n{\n)x\");  // {\n}\nvoid C() {}\n"),
                         [("A", 5), ("C", 1)])

    def test_count_digit_separators_as_numbers(self):
        self.assertEqual(self.names("void A() {\n  B(1'000'000);\n}\nvoid C() {}\n"),
                         [("A", 3), ("C", 1)])


class Tree(unittest.TestCase):
    def test_is_read_from_disk_without_what_was_built(self):
        with tempfile.TemporaryDirectory() as root:
            for path in ("model/a.h", "build/dev/b.h", "node_modules/c.h", "scripts/test", "notes.md"):
                os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                    file.write("x\n")
            self.assertEqual(sorted(tidy.read_tree(root)), ["model/a.h", "scripts/test"])


if __name__ == "__main__":
    unittest.main()
