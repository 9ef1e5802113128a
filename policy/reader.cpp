// SPDX-License-Identifier: Apache-2.0
#include "policy/reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/crypto.hpp"
#include "base/file.hpp"
#include "base/strict_yaml.hpp"
#include "policy/guidance_reader.hpp"
#include "policy/prerequisite_reader.hpp"

namespace cardgate::policy {
namespace {

constexpr std::size_t max_file_bytes = 1 << 20;
constexpr std::size_t max_name_length = 64;
constexpr milliseconds shortest_session = std::chrono::minutes(1);
constexpr milliseconds longest_session = std::chrono::hours(24);
constexpr milliseconds shortest_token = std::chrono::seconds(10);
constexpr milliseconds longest_token = std::chrono::hours(1);
constexpr milliseconds shortest_grace = std::chrono::seconds(1);
constexpr milliseconds longest_grace = std::chrono::minutes(10);
constexpr milliseconds shortest_keep = std::chrono::minutes(1);
constexpr milliseconds longest_keep = std::chrono::hours(24);
constexpr milliseconds shortest_step_up = std::chrono::seconds(30);
constexpr milliseconds longest_step_up = std::chrono::hours(12);
constexpr milliseconds usual_step_up = std::chrono::minutes(10);
constexpr milliseconds shortest_delay = std::chrono::seconds(1);
constexpr milliseconds longest_delay = std::chrono::days(30);
constexpr std::array<std::string_view, 6> record_scopes{"own",       "team",        "team-view",
                                                        "delegated", "by-function", "all"};

Result<SignIn> read_sign_in(const Yaml& node) {
  const std::string text = TRY(node.string());
  for (const auto way : {SignIn::password, SignIn::card}) {
    if (text == name(way)) return way;
  }
  return node.error(fmt::format("unknown sign-in '{}'; expected password or card", text));
}

Result<std::vector<SignIn>> read_sign_ins(const Yaml& node) {
  std::vector<SignIn> ways;
  for (const auto& item : TRY(node.list())) {
    const SignIn way = TRY(read_sign_in(item));
    if (std::ranges::find(ways, way) != ways.end())
      return item.error(fmt::format("'{}' stands twice", name(way)));
    ways.push_back(way);
  }
  if (ways.empty()) return node.error("expected at least one of: password, card");
  return ways;
}

Result<milliseconds> read_duration(YamlMap& map, std::string_view key, milliseconds otherwise,
                                   milliseconds shortest, milliseconds longest, std::string_view range) {
  const auto node = map.optional(key);
  if (!node) return otherwise;
  const milliseconds value = TRY(node->duration());
  if (value < shortest || value > longest) return node->error(fmt::format("expected {}", range));
  return value;
}

/// The time in "WORD TIME"; nothing: `text` is another, or the time is out of bounds.
std::optional<milliseconds> time_after(std::string_view word, std::string_view text, milliseconds shortest,
                                       milliseconds longest) {
  if (!text.starts_with(word) || !text.substr(word.size()).starts_with(' ')) return std::nullopt;
  const auto time = parse_duration(text.substr(word.size() + 1));
  if (!time || *time < shortest || *time > longest) return std::nullopt;
  return *time;
}

Result<CardRemoval> read_card_removal(const Yaml& node) {
  using Mode = CardRemoval::Mode;
  const std::string text = TRY(node.string());
  if (text == "end") return CardRemoval{};
  if (text == "lock") return CardRemoval{Mode::lock, {}};
  if (const auto time = time_after("grace", text, shortest_grace, longest_grace))
    return CardRemoval{Mode::grace, *time};
  if (const auto time = time_after("keep", text, shortest_keep, longest_keep))
    return CardRemoval{Mode::keep, *time};
  return node.error(
      "expected end, lock, grace with a time from 1s to 10m, such as 'grace 30s', or keep with a time from "
      "1m to 24h, such as 'keep 8h'");
}

Result<ScreenLock> read_screen_lock(const Yaml& node) {
  const std::string text = TRY(node.string());
  if (text == "lock") return ScreenLock{};
  if (const auto time = time_after("keep", text, shortest_keep, longest_keep))
    return ScreenLock{ScreenLock::Mode::keep, *time};
  return node.error("expected lock, or keep with a time from 1m to 24h, such as 'keep 30m'");
}

/// `step_up: card` and its `step_up_age`, of a role or an act.
Result<std::optional<milliseconds>> read_step_up(YamlMap& map) {
  const auto way = map.optional("step_up");
  const auto age = map.optional("step_up_age");
  if (!way) {
    if (age) return age->error("means nothing without 'step_up: card' beside it");
    return std::optional<milliseconds>();
  }
  const std::string text = TRY(way->string());
  if (text != name(SignIn::card)) return way->error("expected card");
  if (!age) return std::optional(usual_step_up);
  const milliseconds time = TRY(age->duration());
  if (time < shortest_step_up || time > longest_step_up) return age->error("expected 30s to 12h");
  return std::optional(time);
}

/// `allow-cached` and a time, or `require-good`. There is no third: unchecked is never good enough.
Result<milliseconds> read_revocation(const Yaml& node) {
  constexpr std::string_view cached = "allow-cached ";
  const std::string text = TRY(node.string());
  if (text == "require-good") return milliseconds{0};
  if (text.starts_with(cached)) {
    const auto time = parse_duration(std::string_view(text).substr(cached.size()));
    if (time && *time >= shortest_delay && *time <= longest_delay) return *time;
  }
  return node.error(
      "expected require-good, or allow-cached with a time from 1s to 30d, such as 'allow-cached 24h'");
}

/// Words that go into a token claim and a header, so a narrow alphabet.
bool is_role_name(std::string_view text) {
  return !text.empty() && text.size() <= max_name_length && text.front() != '-' &&
         std::ranges::all_of(
             text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

Result<Act> read_act(const Yaml& node, std::string_view text) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < act_count; ++i) {
    const auto act = static_cast<Act>(i);
    if (text == name(act)) return act;
    names.push_back(name(act));
  }
  return node.error(fmt::format("unknown act '{}'; expected one of: {}", text, fmt::join(names, ", ")));
}

Result<std::vector<Act>> read_acts(const Yaml& node) {
  std::vector<Act> acts;
  for (const auto& item : TRY(node.list())) {
    const std::string text = TRY(item.string());
    const Act act = TRY(read_act(item, text));
    if (std::ranges::find(acts, act) != acts.end())
      return item.error(fmt::format("'{}' stands twice", name(act)));
    acts.push_back(act);
  }
  return acts;
}

Result<void> check_acts(const Role& role, const Yaml& may) {
  if (role.may.empty()) return {};
  if (role.accepts(SignIn::password)) {
    return may.error("a password sign-in may do nothing for others, and this role accepts one");
  }
  if (role.records == "own")
    return may.error("a role that opens only the person's own record may do nothing for others");
  return {};
}

Result<void> check_password_role(const Role& role, const Yaml& sign_in) {
  if (!role.accepts(SignIn::password)) return {};
  if (role.step_up_age)
    return sign_in.error("a password sign-in can never meet 'step_up: card', which this role asks for");
  if (role.records != "own") {
    return sign_in.error(fmt::format(
        "a password sign-in may open the person's own record only, and this role's records are '{}'",
        role.records));
  }
  for (const auto& wanted : role.requires_all) {
    if (wanted.kind == Prerequisite::Kind::card) {
      return sign_in.error(
          "a password sign-in can never meet the prerequisite 'card', which this role requires");
    }
  }
  return {};
}

Result<Role> read_role(const std::string& role_name, const Yaml& node) {
  if (!is_role_name(role_name)) {
    return node.error(
        fmt::format("expected a role's name of a-z, 0-9 and '-', {} characters at most", max_name_length));
  }
  Role role;
  role.name = role_name;
  YamlMap map = TRY(node.map());
  const auto title = map.optional("title");
  role.title = title ? TRY(title->string()) : role_name;
  const Yaml sign_in = TRY(map.required("sign_in"));
  role.sign_in = TRY(read_sign_ins(sign_in));
  role.line = node.line();
  const Yaml prerequisites = TRY(map.required("requires"));
  role.requires_all = TRY(read_prerequisites(prerequisites));
  for (const auto& item : TRY(prerequisites.list())) role.requires_lines.push_back(item.line());
  const Yaml records = TRY(map.required("records"));
  role.records = TRY(records.string());
  if (std::ranges::find(record_scopes, role.records) == record_scopes.end()) {
    return records.error(
        fmt::format("unknown scope '{}'; expected one of: {}", role.records, fmt::join(record_scopes, ", ")));
  }
  role.max_session = TRY(
      read_duration(map, "max_session", role.max_session, shortest_session, longest_session, "1m to 24h"));
  role.idle = TRY(read_duration(map, "idle", std::min(role.idle, role.max_session), shortest_session,
                                role.max_session, "1m or more, and no more than max_session"));
  role.token_life = TRY(read_duration(map, "token_life", std::min(role.token_life, role.max_session),
                                      shortest_token, std::min(longest_token, role.max_session),
                                      "10s to 1h, and no more than max_session"));
  if (const auto removal = map.optional("card_removal")) role.card_removal = TRY(read_card_removal(*removal));
  if (const auto screen = map.optional("screen_lock")) role.screen_lock = TRY(read_screen_lock(*screen));
  role.step_up_age = TRY(read_step_up(map));
  if (const auto revocation = map.optional("revocation")) {
    role.revocation_delay = TRY(read_revocation(*revocation));
  }
  if (const auto may = map.optional("may")) {
    role.may = TRY(read_acts(*may));
    TRY(check_acts(role, *may));
  }
  if (const auto guidance = map.optional("guidance")) role.guidance = TRY(read_guidance(*guidance));
  TRY(map.finish());
  TRY(check_password_role(role, sign_in));
  return role;
}

Result<Contacts> read_contacts(const std::optional<Yaml>& node) {
  Contacts contacts{"access team", "smartcard help desk", "Human Resources team"};
  if (!node) return contacts;
  YamlMap map = TRY(node->map());
  if (const auto text = map.optional("access_team")) contacts.access_team = TRY(text->string());
  if (const auto text = map.optional("card_desk")) contacts.card_desk = TRY(text->string());
  if (const auto text = map.optional("employment")) contacts.employment = TRY(text->string());
  TRY(map.finish());
  return contacts;
}

/// What the policy says of acts, in whichever role they are done.
Result<void> read_marks(const Yaml& node, Policy::Parts& parts) {
  YamlMap map = TRY(node.map());
  for (const auto& [text, entry] : map.entries()) {
    const Act act = TRY(read_act(entry, text));
    YamlMap mark = TRY(entry.map());
    const auto age = TRY(read_step_up(mark));
    TRY(mark.finish());
    if (!age) return entry.error("the key 'step_up' is missing");
    parts.step_up[act] = *age;
    parts.step_up_lines[act] = entry.line();
  }
  return {};
}

/// A declaration is its text; or a map of `text` and `guidance`.
Result<void> read_declarations(const Yaml& node, Policy::Parts& parts) {
  YamlMap map = TRY(node.map());
  for (const auto& [declaration, entry] : map.entries()) {
    parts.text_lines[declaration] = entry.line();
    if (auto text = entry.string()) {
      parts.texts[declaration] = *std::move(text);
      continue;
    }
    YamlMap members = TRY(entry.map());
    parts.texts[declaration] = TRY(TRY(members.required("text")).string());
    if (const auto guidance = members.optional("guidance"))
      parts.guidance[declaration] = TRY(read_guidance(*guidance));
    TRY(members.finish());
  }
  return {};
}

}  // namespace

Result<Policy> load_policy(const std::filesystem::path& path) {
  const std::string text = TRY(read_file(path, max_file_bytes));
  return parse_policy(text, path.string());
}

Result<Policy> parse_policy(std::string_view text, std::string_view name) {
  const Yaml root = TRY(Yaml::parse(text, name));
  YamlMap map = TRY(root.map());
  Policy::Parts parts;
  parts.contacts = TRY(read_contacts(map.optional("contacts")));
  if (const auto texts = map.optional("declarations")) TRY(read_declarations(*texts, parts));
  if (const auto acts = map.optional("acts")) TRY(read_marks(*acts, parts));
  const Yaml roles = TRY(map.required("roles"));
  YamlMap named = TRY(roles.map());
  for (const auto& [role_name, node] : named.entries()) {
    parts.roles.push_back(TRY(read_role(role_name, node)));
  }
  if (parts.roles.empty()) return roles.error("expected at least one role");
  TRY(map.finish());
  parts.hash = to_hex(blake2b(as_bytes(text)));
  return Policy(std::move(parts));
}

}  // namespace cardgate::policy
