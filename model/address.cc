#include "model/address.h"

#include <idn2.h>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"

namespace herald {
namespace {

constexpr size_t kLocalMax = 64;
constexpr size_t kAddressMax = 254;
constexpr size_t kDomainMax = 253;
constexpr size_t kLabelMax = 63;

// atext of RFC 5322 3.2.3. Quoted local parts are legal but refused: providers mostly do.
bool IsAtext(char c) {
  constexpr absl::string_view kSpecials = "!#$%&'*+-/=?^_`{|}~";
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         kSpecials.find(c) != absl::string_view::npos;
}

// What redacting leaves of a local part: nobody has such an address, and an import of a redacted
// export must not make contacts or suppressions of it.
bool IsRedacted(absl::string_view local) {
  return absl::EndsWith(local, "***") && local.size() <= 4;
}

absl::Status CheckLocal(absl::string_view local) {
  if (local.empty()) return absl::InvalidArgumentError("the part before @ is empty");
  if (local.size() > kLocalMax) {
    return absl::InvalidArgumentError("the part before @ is longer than 64 octets");
  }
  if (IsRedacted(local)) {
    return absl::InvalidArgumentError("the address is redacted; read or export it in full");
  }
  for (absl::string_view atom : absl::StrSplit(local, '.')) {
    if (atom.empty()) {
      return absl::InvalidArgumentError("a dot begins, ends or repeats before @");
    }
    for (char c : atom) {
      if (static_cast<unsigned char>(c) >= 0x80) {
        return absl::InvalidArgumentError("the part before @ has a character outside ASCII");
      }
      if (!IsAtext(c)) {
        return absl::InvalidArgumentError("the part before @ has a character that is not allowed");
      }
    }
  }
  return absl::OkStatus();
}

absl::Status CheckAsciiDomain(absl::string_view domain) {
  if (domain.size() > kDomainMax) {
    return absl::InvalidArgumentError("the domain is longer than 253 octets");
  }
  const std::vector<absl::string_view> labels = absl::StrSplit(domain, '.');
  if (labels.size() < 2) return absl::InvalidArgumentError("the domain has no dot");
  for (absl::string_view label : labels) {
    if (label.empty() || label.size() > kLabelMax) {
      return absl::InvalidArgumentError("a label of the domain is empty or longer than 63 octets");
    }
    if (label.front() == '-' || label.back() == '-') {
      return absl::InvalidArgumentError("a label of the domain begins or ends with a hyphen");
    }
    for (char c : label) {
      if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '-') {
        return absl::InvalidArgumentError("the domain has a character that is not allowed");
      }
    }
  }
  return absl::OkStatus();
}

// Whether a domain means itself but for case: letters, digits and hyphens in ASCII, and no label
// with hyphens third and fourth, as A-labels have.
bool IsPlainAscii(absl::string_view domain) {
  size_t label = 0;  // where the label begins
  for (size_t i = 0; i < domain.size(); ++i) {
    const char c = domain[i];
    if (c == '.') {
      label = i + 1;
    } else if (c == '-') {
      if (i == label + 3 && domain[i - 1] == '-') return false;
    } else if (!absl::ascii_isalnum(static_cast<unsigned char>(c))) {
      return false;
    }
  }
  return true;
}

absl::StatusOr<std::string> ToALabels(absl::string_view text) {
  // libidn2 was a fifth of what heraldd spent on an email of SendEmails.
  if (IsPlainAscii(text)) return absl::AsciiStrToLower(text);
  char* ascii = nullptr;
  const int rc =
      idn2_to_ascii_8z(std::string(text).c_str(), &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  if (rc != IDN2_OK) {
    return absl::InvalidArgumentError("the domain is not a valid internationalised name");
  }
  std::string domain = absl::AsciiStrToLower(ascii);
  idn2_free(ascii);
  return domain;
}

}  // namespace

std::string Address::Normalised() const { return absl::AsciiStrToLower(local) + "@" + domain; }

absl::StatusOr<std::string> ParseDomain(absl::string_view text) {
  if (!text.empty() && text.back() == '.') text.remove_suffix(1);
  // libidn2 reads a C string, so a NUL would hide what follows it.
  if (text.empty() || text.find('\0') != absl::string_view::npos) {
    return absl::InvalidArgumentError("the domain is empty or has a NUL");
  }
  if (text.size() > kAddressMax * 4) return absl::InvalidArgumentError("the domain is too long");
  absl::StatusOr<std::string> domain = ToALabels(text);
  if (!domain.ok()) return domain.status();
  if (absl::Status status = CheckAsciiDomain(*domain); !status.ok()) return status;
  return domain;
}

absl::StatusOr<Address> ParseAddress(absl::string_view text) {
  const size_t at = text.rfind('@');
  if (at == absl::string_view::npos) return absl::InvalidArgumentError("there is no @");
  Address address;
  address.local = std::string(text.substr(0, at));
  if (absl::Status status = CheckLocal(address.local); !status.ok()) return status;
  absl::StatusOr<std::string> domain = ParseDomain(text.substr(at + 1));
  if (!domain.ok()) return domain.status();
  address.domain = *std::move(domain);
  if (address.local.size() + 1 + address.domain.size() > kAddressMax) {
    return absl::InvalidArgumentError("the address is longer than 254 octets");
  }
  return address;
}

}  // namespace herald
