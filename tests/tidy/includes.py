"""The direction of includes (docs: "Direction" in README.md): who may name whose header."""

import os
import re
from typing import Dict, Iterable, List, Tuple

import cpp

# (path, line, rule, why)
Finding = Tuple[str, int, str, str]

# Tests and benchmarks may name everything: they stand outside the house.
OUTSIDE = ("tests/", "bench/", "cmake/")

# The composition root: main.cc, and what it is made of.
COMPOSITION = ("server/main.cc", "server/provider_accounts.cc", "server/storage_set.h")

# Vendor's headers -> the folders whose files may include them.
VENDOR_HOMES = {
    r"pqxx/": ("storage/postgres/",),
    r"libpq-fe\.h|libpq/": ("storage/postgres/",),
    r"curl/": ("providers/http/", "providers/smtp/"),
    r"grpc(pp|)/|.*\.grpc\.pb\.h": ("server/rpc/", "server/webhook/", "client/", "server/main.cc"),
    r"prometheus/|spdlog/": ("server/ops/",),
    r"boost/": ("server/webhook/",),
    r"gumbo\.h": ("server/templates/",),
    r"gmime/": ("providers/",),
    r"idn2\.h": ("model/",),
    r"yaml-cpp/": ("server/config/", "server/webhook/"),
    r"CLI/": ("client/", "server/config/", "server/flags.h", "server/main.cc", "server/webhook/"),
}

# Vendor's headers that may not reach another folder through one of ours.
CONFINED = re.compile(r"(pqxx|curl|boost|nlohmann|prometheus|spdlog|yaml-cpp|gmime|CLI)/"
                      r"|gumbo\.h|idn2\.h|kainjow/|libpq")

# Folders of providers/ that are no provider.
SHARED_BY_PROVIDERS = ("http", "svix", "decoders")


def includes_of(text: str) -> List[Tuple[int, str]]:
    found = []
    for number, line in enumerate(cpp.strip(text).splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
        if match:
            found.append((number, match[1]))
    return found


def _is_standard(include: str) -> bool:
    return "/" not in include and "." not in include


def _is_seam(path: str) -> bool:
    return re.fullmatch(r"storage/[^/]+\.(h|cc)", path) is not None


def _vendor(path: str, include: str) -> str:
    for pattern, homes in VENDOR_HOMES.items():
        if re.match(pattern, include) and not path.startswith(homes):
            return f"{include} belongs to {', '.join(homes)}"
    return ""


def _direction(path: str, include: str) -> str:
    """Why `path` may not include `include`, or ''."""
    if path.startswith("model/"):
        if not (include.startswith(("model/", "absl/")) or _is_standard(include)
                or include == "idn2.h"):
            return "model/ stands on Abseil and libidn2 alone"
    if _is_seam(path):
        ours = re.fullmatch(r"storage/[^/]+\.h", include)
        if not (ours or include.startswith(("model/", "absl/")) or _is_standard(include)):
            return "a storage seam knows model/ and Abseil alone"
    if path.startswith(("storage/", "providers/")) and include.startswith(("server/", "client/")):
        return "storage/ and providers/ never point back at server/"
    if path.startswith("server/delivery/") and include.startswith(("server/rpc/", "proto/")):
        return "delivery/ knows no gRPC"
    if path.startswith("server/webhook/") and include.startswith("storage/"):
        return "the sidecar reaches storage only through RPC"
    return _concrete(path, include)


def _concrete(path: str, include: str) -> str:
    """Only the composition root names concrete stores and providers."""
    match = re.match(r"storage/postgres/|providers/([^/]+)/", include)
    if not match or path.startswith(match[0]) or path in COMPOSITION:
        return ""
    if match[1] in SHARED_BY_PROVIDERS:
        return ""
    # A decoder is a pure function of bytes: providers may share one, the sidecar lists them.
    is_decoder = match[1] and "decoder" in os.path.basename(include)
    if is_decoder and path.startswith(("providers/", "server/webhook/main.cc")):
        return ""
    return "only the composition root names concrete classes"


def _leaks(tree: Dict[str, str]) -> Iterable[Finding]:
    """A header with a vendor's header in it must not be included from another folder."""
    confined = {}
    for path, text in tree.items():
        if path.endswith(".h") and not path.startswith(OUTSIDE):
            for _, include in includes_of(text):
                if CONFINED.match(include):
                    confined[path] = include
    for path, text in tree.items():
        if not path.endswith((".cc", ".h")) or path.startswith(OUTSIDE):
            continue
        for line, include in includes_of(text):
            if include in confined and os.path.dirname(include) != os.path.dirname(path):
                yield path, line, "vendor-leak", f"{include} brings {confined[include]} with it"


def check(tree: Dict[str, str]) -> Iterable[Finding]:
    for path, text in tree.items():
        if not path.endswith((".cc", ".h")) or path.startswith(OUTSIDE):
            continue
        for line, include in includes_of(text):
            why = _vendor(path, include)
            if why:
                yield path, line, "vendor", why
            why = _direction(path, include)
            if why:
                yield path, line, "direction", why
    yield from _leaks(tree)
