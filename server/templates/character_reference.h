#pragma once

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace herald::templates {

// Decodes HTML character references (&amp; &#39; &#x2026; &rarr;), those that end in a semicolon.
// What is none stays as it is. One object per document: it bounds the work a document can ask for,
// by looking up at most kLookupsMax different names outside of the usual ones.
class CharacterReferences {
 public:
  static constexpr size_t kLookupsMax = 64;

  void AppendDecoded(absl::string_view text, std::string& out);

 private:
  // The characters of `reference` ("&name;"), or `reference` itself.
  void AppendOne(absl::string_view reference, std::string& out);

  absl::flat_hash_map<std::string, std::string> looked_up_;
};

}  // namespace herald::templates
