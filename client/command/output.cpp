// SPDX-License-Identifier: Apache-2.0
#include "client/command/output.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "base/shown.hpp"
#include "client/command/chart.hpp"
#include "client/command/terminal.hpp"
#include "client/command/wrap.hpp"

namespace cardgate::client {
namespace {

/// Text from elsewhere must not steer the terminal.
std::string printable(std::string_view text) {
  std::string out;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const auto end = std::min(text.find('\n', begin), text.size());
    auto line = std::string(text.substr(begin, end - begin));
    for (char& c : line) {
      if (c == '\t') c = ' ';
    }
    out += shown_text(line);
    out += '\n';
    begin = end + 1;
  }
  return out;
}

/// stdout that is gone (a full disk, a closed pipe) must not look like success.
void put(std::FILE* to, std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), to) != text.size() || std::fflush(to) != 0)
    std::_Exit(exit_error);
}

std::string fitting(std::string text, int fd) {
  return ::isatty(fd) == 0 ? text : wrapped(text, terminal_width(fd));
}

int exit_code_of(const proto::Problem& problem) {
  if (problem.error == "bad_request") return exit_usage;
  if (problem.status == 503) return exit_unreachable;
  if (problem.status >= 500 || problem.status == 408) return exit_error;
  return exit_refused;
}

}  // namespace

void say(std::string_view text) {
  put(stdout, fitting(printable(text), STDOUT_FILENO));
}
void complain(std::string_view text) {
  put(stderr, fitting(printable(text), STDERR_FILENO));
}
void say_whole(std::string_view text) {
  put(stdout, printable(text));
}
void say_csv(const std::vector<std::string>& fields) {
  std::vector<std::string> shown;
  for (const auto& field : fields) shown.push_back(shown_text(field));
  put(stdout, csv_line(shown) + "\r\n");
}
void print_json(const json::value& value) {
  put(stdout, json::serialize(value) + "\n");
}

std::string unmet_text(const json::array& unmet) {
  std::string out;
  for (const auto& item : unmet) {
    const auto* entry = item.if_object();
    if (entry == nullptr) continue;
    out += fmt::format("\n  - {}\n    who can put it right: {}\n    next step: {}", text_of(*entry, "text"),
                       text_of(*entry, "who"), text_of(*entry, "next_step"));
  }
  return out;
}

std::string guidance_text(const json::array& documents) {
  std::string out;
  for (const auto& item : documents) {
    const auto* entry = item.if_object();
    if (entry == nullptr) continue;
    const auto link = text_of(*entry, "link");
    out += fmt::format("\n  read: {} ({})", text_of(*entry, "title"),
                       link.empty() ? text_of(*entry, "file") : link);
  }
  return out;
}

int say_problem(const Cli& cli, const proto::Problem& problem) {
  if (cli.json) {
    print_json(json::parse(proto::to_body(problem)));
    return exit_code_of(problem);
  }
  const auto* unmet = find_array(problem.extra, "unmet");
  const auto* findings = find_array(problem.extra, "findings");
  const auto* lines = find_array(problem.extra, "lines");
  std::string text = problem.detail.empty() ? problem.title : problem.detail;
  if (unmet != nullptr && !unmet->empty()) {
    // Of a role that was asked for the detail says the same in one paragraph; a list is easier to act on.
    text = (problem.error == "role_needed" ? problem.detail : "Not allowed, because something is missing:") +
           unmet_text(*unmet);
  }
  if (findings != nullptr) {
    for (const auto& item : *findings) {
      const auto* finding = item.if_object();
      if (finding == nullptr) continue;
      text += fmt::format("\n  - {} ({}; {})", text_of(*finding, "text"), text_of(*finding, "status"),
                          text_of(*finding, "subject"));
    }
  }
  if (lines != nullptr) {
    for (const auto& item : *lines) {
      const auto* line = item.if_object();
      if (line == nullptr) continue;
      text += fmt::format("\n  line {}: {}", number_of(*line, "line"), text_of(*line, "text"));
    }
  }
  if (const auto* documents = find_array(problem.extra, "guidance")) text += guidance_text(*documents);
  if (const auto* plan = find_object(problem.extra, "continuity")) {
    text += "\nMeanwhile: " + text_of(*plan, "text");
    if (const auto place = text_of(*plan, "place"); !place.empty()) text += "\n  where: " + place;
    if (const auto number = text_of(*plan, "telephone"); !number.empty()) text += "\n  telephone: " + number;
    if (const auto* owner = find_object(*plan, "owner"))
      text += fmt::format("\n  answers for this plan: {} (reviewed on {})", text_of(*owner, "name"),
                          text_of(*plan, "reviewed_on"));
  }
  complain("cardgate: " + text);
  return exit_code_of(problem);
}

int say_error(const Cli& cli, const Error& error) {
  std::string text = error.context.empty() ? std::string(name(error.code)) : error.context;
  int code = exit_error;
  if (error.code == Errc::unavailable) {
    text = fmt::format(
        "cardgated is not running, or has just stopped: {}. To see why: systemctl status cardgated. If it "
        "has never run on this machine, the people who run it start it: systemctl enable --now "
        "cardgated.socket",
        text);
    code = exit_unreachable;
  } else if (error.code == Errc::timeout) {
    text += ". Try again. If it happens again: systemctl status cardgated";
    code = exit_unreachable;
  }
  if (cli.json) {
    print_json(json::object{{"error", name(error.code)}, {"detail", text}});
  } else {
    complain("cardgate: " + text);
  }
  return code;
}

int say_reply(const Cli& cli, const Result<Reply>& reply,
              const std::function<void(const json::object&)>& tell) {
  if (!reply) return say_error(cli, reply.error());
  if (reply->refusal) return say_problem(cli, *reply->refusal);
  if (cli.json) {
    print_json(reply->body);
  } else {
    tell(reply->body);
  }
  return exit_ok;
}

int say_admin_reply(const Cli& cli, const Result<Reply>& reply, std::string_view what,
                    const std::function<void(const json::object&)>& tell) {
  if (reply || reply.error().code != Errc::permission_denied) return say_reply(cli, reply, tell);
  say_error(cli,
            {Errc::permission_denied, fmt::format("{}: only root can {}. Use sudo", cli.admin_socket, what)});
  return exit_refused;
}

int say_usage(const Cli& cli, std::string_view text) {
  if (cli.json) {
    print_json(json::object{{"error", "usage"}, {"detail", text}});
  } else {
    complain(fmt::format("cardgate: {}", text));
  }
  return exit_usage;
}

}  // namespace cardgate::client
