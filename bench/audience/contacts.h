#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "herald/v1/contact_service.pb.h"

namespace herald::bench {

// Contact number `number` of a shop: name, user, locale, zone, two to four tags, four attributes.
void FillContact(int64_t number, v1::Contact& contact);

// Filters over tags and attributes: rare, common and empty ones, and one that is not saved by an
// index.
std::vector<std::string> PreviewFilters();

}  // namespace herald::bench
