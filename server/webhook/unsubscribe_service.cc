#include "server/webhook/unsubscribe_service.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "server/webhook/form.h"
#include "server/webhook/unsubscribe_page.h"

namespace herald::webhook {
namespace {

constexpr char kPrefix[] = "/u/";
constexpr size_t kBodyBytesMax = 16 << 10;
constexpr size_t kTokenBytesMax = 1024;
constexpr char kRetryAfterSeconds[] = "5";

HttpResponse ErrorPage(const absl::Status& status) {
  if (absl::IsNotFound(status)) {
    return MessagePage(404, "This link does not work",
                       "Please check that it was copied whole, or use the link in a newer email.");
  }
  if (absl::IsFailedPrecondition(status)) {
    return MessagePage(410, "This link has expired",
                       "Please use the unsubscribe link in a newer email.");
  }
  HttpResponse later =
      MessagePage(503, "Please try again in a moment", "Your request could not be saved just now.");
  later.headers.emplace_back("Retry-After", kRetryAfterSeconds);
  return later;
}

std::string ContentType(const HttpRequest& request) {
  for (const auto& [name, value] : request.contents.headers) {
    if (name == "content-type") return value;
  }
  return "";
}

bool IsOneClick(const Form& form) {
  const absl::optional<std::string> value = FieldOf(form, "List-Unsubscribe");
  return value.has_value() && absl::EqualsIgnoreCase(*value, "One-Click");
}

// What the page's form asks for; nullopt when it is not that form.
UnsubscribeGateway::Selection SelectionOf(const Form& form) {
  const absl::optional<std::string> action = FieldOf(form, "action");
  if (action == "all") return std::vector<std::string>();
  if (action != "save") return absl::nullopt;
  std::vector<std::string> categories;
  for (const auto& [name, value] : form) {
    if (name == "category") categories.push_back(value);
  }
  return categories;
}

}  // namespace

bool UnsubscribeService::Serves(absl::string_view path) { return absl::StartsWith(path, kPrefix); }

void UnsubscribeService::Handle(const HttpRequest& request, HttpServer::Respond respond) {
  const std::string token(absl::StripPrefix(request.path, kPrefix));
  if (token.empty() || token.size() > kTokenBytesMax) {
    return respond(ErrorPage(absl::NotFoundError("token")));
  }
  if (request.method == "POST") return Post(token, request, std::move(respond));
  if (request.method != "GET" && request.method != "HEAD") {
    return respond({405, "Method not allowed.\n", {{"Allow", "GET, HEAD, POST"}}});
  }
  gateway_.Resolve(token, [respond = std::move(respond)](absl::StatusOr<UnsubscribeView> view) {
    respond(view.ok() ? ChoicesPage(*view, /*saved=*/false) : ErrorPage(view.status()));
  });
}

void UnsubscribeService::Post(const std::string& token, const HttpRequest& request,
                              HttpServer::Respond respond) {
  if (request.contents.body.size() > kBodyBytesMax) {
    return respond({413, "The body is too large.\n", {}});
  }
  const absl::optional<Form> form = ParseForm(ContentType(request), request.contents.body);
  const bool one_click = form.has_value() && IsOneClick(*form);
  UnsubscribeGateway::Selection selection;
  if (form.has_value() && !one_click) selection = SelectionOf(*form);
  if (!one_click && !selection.has_value()) {
    return respond(MessagePage(400, "This request was not understood",
                               "Please open the link in your email and choose there."));
  }
  gateway_.Unsubscribe(
      token, selection,
      [one_click, respond = std::move(respond)](absl::StatusOr<UnsubscribeView> view) {
        if (!view.ok()) return respond(ErrorPage(view.status()));
        respond(one_click ? HttpResponse{200, "", {}} : ChoicesPage(*view, /*saved=*/true));
      });
}

}  // namespace herald::webhook
