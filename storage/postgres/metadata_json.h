#pragma once

#include <map>
#include <string>

namespace herald::storage {

// An email's metadata as its column holds it: a JSON object of strings, or nothing when empty.
std::string MetadataToJson(const std::map<std::string, std::string>& metadata);
std::map<std::string, std::string> MetadataFromJson(const std::string& json);

}  // namespace herald::storage
