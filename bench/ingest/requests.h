#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "herald/v1/email_service.pb.h"
#include "herald/v1/template_service.pb.h"

namespace herald::bench {

inline constexpr char kSenderDomain[] = "shop.example";

// The template that every request names.
v1::CreateTemplateRequest OrderConfirmationTemplate();

// Requests as a shop's backend sends them: a template, three variables, a user id and metadata; the
// order's number makes each one of its own.
class OrderConfirmations {
 public:
  // `run` tells the keys of this run from those of others.
  explicit OrderConfirmations(std::string run) : run_(std::move(run)) {}

  v1::SendEmailRequest First() const;
  // Turns a request of ours into that of order `number`.
  void Renumber(v1::SendEmailRequest& request, int64_t number) const;
  // What Renumber gives a request.
  std::string Key(int64_t number) const;
  static std::string UserId(int64_t number);

 private:
  const std::string run_;
};

}  // namespace herald::bench
