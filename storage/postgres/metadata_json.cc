#include "storage/postgres/metadata_json.h"

#include <nlohmann/json.hpp>

namespace herald::storage {

std::string MetadataToJson(const std::map<std::string, std::string>& metadata) {
  if (metadata.empty()) return "";
  return nlohmann::json(metadata).dump();
}

std::map<std::string, std::string> MetadataFromJson(const std::string& json) {
  std::map<std::string, std::string> metadata;
  if (json.empty()) return metadata;
  const nlohmann::json object = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  for (const auto& [key, value] : object.items()) {
    if (value.is_string()) metadata[key] = value.get<std::string>();
  }
  return metadata;
}

}  // namespace herald::storage
