#pragma once

#include "storage/contact_filter.h"

namespace herald::support {

// Whether a contact matches a filter, worked out in memory the plain way: what the compiled SQL is
// compared with.
bool Matches(const storage::FilterNode& filter, const storage::ContactRecord& contact);

}  // namespace herald::support
