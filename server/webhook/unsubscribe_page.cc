#include "server/webhook/unsubscribe_page.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace herald::webhook {

const char kStyleHash[] = "sha256-QXPAlkukdwrZcY4UzSPOzJVGEdP2uKR8q4me+3+gSNE=";

namespace {

constexpr char kStyle[] =
    ":root{color-scheme:light dark}"
    "body{font:1.05rem/1.5 system-ui,sans-serif;max-width:34rem;margin:0 auto;padding:2rem 1rem}"
    "h1{font-size:1.5rem;line-height:1.25}"
    "fieldset{border:1px solid #8a8a8a;border-radius:.5rem;padding:.5rem 1rem;margin:1.5rem 0}"
    "legend{font-weight:600;padding:0 .4rem}"
    ".choice{display:grid;grid-template-columns:1.25rem 1fr;column-gap:.75rem;padding:.25rem 0}"
    "input{width:1.25rem;height:1.25rem;margin:.6rem 0 0;accent-color:#14489c}"
    "label{padding:.45rem 0;cursor:pointer}"
    "small{grid-column:2;margin-top:-.45rem;padding-bottom:.45rem;opacity:.8}"
    ".acts{display:flex;flex-wrap:wrap;gap:.75rem}"
    "button{font:inherit;padding:.65rem 1.1rem;border-radius:.5rem;border:1px solid #14489c;"
    "cursor:pointer}"
    "@media(max-width:28rem){button{flex:1 0 100%}}"
    "@media(prefers-color-scheme:dark){input{accent-color:auto}}"
    ".first{background:#14489c;color:#fff}"
    ".second{background:transparent;color:inherit;border-color:#8a8a8a}"
    ":focus-visible{outline:3px solid #e08a00;outline-offset:2px}"
    ".said{border-left:.3rem solid #2e7d32;padding:.5rem 1rem}";

std::string Escape(absl::string_view text) {
  return absl::StrReplaceAll(
      text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"'", "&#39;"}});
}

HttpResponse Page(int status, absl::string_view title, absl::string_view content) {
  HttpResponse response;
  response.status = status;
  response.body = absl::StrCat(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"robots\" content=\"noindex, nofollow\">\n<title>",
      Escape(title), "</title>\n<style>", kStyle, "</style>\n</head>\n<body>\n<main>\n<h1>",
      Escape(title), "</h1>\n", content, "</main>\n</body>\n</html>\n");
  response.headers = {
      {"Content-Type", "text/html; charset=utf-8"},
      {"Content-Security-Policy",
       absl::StrCat("default-src 'none'; style-src '", kStyleHash,
                    "'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")},
      {"Referrer-Policy", "no-referrer"},
      {"X-Robots-Tag", "noindex, nofollow"},
      {"X-Content-Type-Options", "nosniff"},
      {"Cache-Control", "no-store"}};
  return response;
}

// The name is the box's label, what else is said of it its description.
std::string Checkbox(const UnsubscribeView::Choice& choice, int number) {
  const std::string described =
      choice.description.empty() ? "" : absl::StrCat(" aria-describedby=\"d", number, "\"");
  const std::string description =
      choice.description.empty()
          ? ""
          : absl::StrCat("<small id=\"d", number, "\">", Escape(choice.description), "</small>");
  return absl::StrCat("<div class=\"choice\"><input type=\"checkbox\" id=\"c", number,
                      "\" name=\"category\" value=\"", Escape(choice.category), "\"",
                      choice.receives ? " checked" : "", described, "><label for=\"c", number,
                      "\">", Escape(choice.display_name), "</label>", description, "</div>\n");
}

bool ReceivesAny(const UnsubscribeView& view) {
  for (const UnsubscribeView::Choice& choice : view.choices) {
    if (choice.receives) return true;
  }
  return false;
}

}  // namespace

HttpResponse ChoicesPage(const UnsubscribeView& view, bool saved) {
  std::string content;
  if (saved) {
    absl::StrAppend(&content, "<p class=\"said\" role=\"status\">",
                    ReceivesAny(view) ? "Your choice is saved."
                                      : "You are unsubscribed. No further marketing email will be "
                                        "sent to you.",
                    "</p>\n");
  }
  absl::StrAppend(&content, "<p>",
                  ReceivesAny(view) ? "Choose which email you want from "
                                    : "You get no marketing email. Choose what you want from ",
                  Escape(view.sender),
                  ", then save. Messages about your account and orders are not affected.</p>\n"
                  "<form method=\"post\">\n<fieldset>\n<legend>Email you get</legend>\n");
  int number = 0;
  for (const UnsubscribeView::Choice& choice : view.choices) {
    absl::StrAppend(&content, Checkbox(choice, ++number));
  }
  absl::StrAppend(&content,
                  "</fieldset>\n<div class=\"acts\">\n"
                  "<button class=\"first\" name=\"action\" value=\"save\">Save my choice</button>\n"
                  "<button class=\"second\" name=\"action\" value=\"all\">"
                  "Unsubscribe from all</button>\n</div>\n</form>\n");
  return Page(200, "Email preferences", content);
}

HttpResponse MessagePage(int status, absl::string_view title, absl::string_view text) {
  return Page(status, title, absl::StrCat("<p>", Escape(text), "</p>\n"));
}

}  // namespace herald::webhook
