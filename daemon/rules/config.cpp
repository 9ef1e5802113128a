// SPDX-License-Identifier: Apache-2.0
#include "daemon/rules/config.hpp"

#include "daemon/drivers/driver.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "audit/event.hpp"
#include "base/strict_yaml.hpp"

namespace cardgate::daemon {
namespace {

Result<uid_t> user_id(const Yaml& node) {
  if (auto number = node.integer(0, 4'294'967'294)) return static_cast<uid_t>(*number);
  const std::string name = TRY(node.string());
  std::array<char, 16384> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
    return node.error(fmt::format("there is no user '{}' on this machine", name));
  }
  return found->pw_uid;
}

Result<gid_t> group_id(const Yaml& node) {
  if (auto number = node.integer(0, 4'294'967'294)) return static_cast<gid_t>(*number);
  const std::string name = TRY(node.string());
  std::array<char, 65536> buffer{};
  group entry{};
  group* found = nullptr;
  if (::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
    return node.error(fmt::format("there is no group '{}' on this machine", name));
  }
  return found->gr_gid;
}

Result<std::filesystem::path> path_of(const Yaml& node) {
  std::filesystem::path path = TRY(node.string());
  if (!path.is_absolute()) return node.error("expected an absolute path");
  return path.lexically_normal();
}

Result<std::vector<std::filesystem::path>> paths_of(std::optional<Yaml> node) {
  std::vector<std::filesystem::path> out;
  if (!node) return out;
  for (const auto& item : TRY(node->list())) out.push_back(TRY(path_of(item)));
  return out;
}

Result<FetchSettings> read_fetch(const Yaml& node) {
  auto map = TRY(node.map());
  FetchSettings out;
  out.socket = TRY(path_of(TRY(map.required("socket"))));
  out.rules.hosts = TRY(TRY(map.required("hosts")).strings());
  if (auto responders = map.optional("responders")) {
    for (const auto& item : TRY(responders->list())) {
      auto entry = TRY(item.map());
      trust::Responder responder;
      responder.url = TRY(TRY(entry.required("url")).string());
      if (auto issuer = entry.optional("issuer")) responder.issuer = TRY(issuer->string());
      TRY(entry.finish());
      out.rules.responders.push_back(std::move(responder));
    }
  }
  if (auto nonce = map.optional("nonce")) {
    const std::string mode = TRY(nonce->string());
    if (mode != "required" && mode != "optional") return nonce->error("expected required or optional");
    out.rules.nonce_required = mode == "required";
  }
  const auto time = [&map](const char* key, milliseconds& to, milliseconds least, milliseconds most,
                           const char* expected) -> Result<void> {
    const auto value = map.optional(key);
    if (!value) return {};
    to = TRY(value->duration());
    if (to < least || to > most) return value->error(expected);
    return {};
  };
  TRY(time("deadline", out.deadline, milliseconds(100), seconds(30), "expected 100ms to 30s"));
  TRY(time("recheck", out.recheck, seconds(1), std::chrono::hours(24), "expected 1s to 24h"));
  if (auto good = trust::check_fetch_rules(out.rules); !good) return node.error(good.error().context);
  TRY(map.finish());
  return out;
}

Result<void> read_trust(const Yaml& node, Config& config) {
  auto map = TRY(node.map());
  config.authorities.anchors = TRY(paths_of(TRY(map.required("anchors"))));
  config.authorities.intermediates = TRY(paths_of(map.optional("intermediates")));
  config.authorities.crls = TRY(paths_of(map.optional("crls")));
  config.content_signers = TRY(paths_of(map.optional("content_signers")));
  if (config.authorities.anchors.empty())
    return node.error("anchors: expected at least one file or directory");
  if (auto usages = map.optional("extended_key_usages")) {
    config.certificate_rules.extended_key_usages = TRY(usages->strings());
  }
  auto& rules = config.certificate_rules;
  const auto floor = [&map](const char* key, int& to, int maximum) -> Result<void> {
    if (auto bits = map.optional(key)) to = static_cast<int>(TRY(bits->integer(to, maximum)));
    return {};
  };
  TRY(floor("min_rsa_bits", rules.floor.rsa_bits, 16384));
  TRY(floor("min_curve_bits", rules.floor.curve_bits, 521));
  TRY(floor("min_hash_bits", rules.floor.hash_bits, 512));
  if (auto policies = map.optional("policies")) rules.policy.acceptable = TRY(policies->strings());
  const auto flag = [&map](const char* key, bool& to) -> Result<void> {
    if (auto value = map.optional(key)) to = TRY(value->boolean());
    return {};
  };
  TRY(flag("require_explicit_policy", rules.policy.require_explicit));
  TRY(flag("inhibit_policy_mapping", rules.policy.inhibit_mapping));
  TRY(flag("inhibit_any_policy", rules.policy.inhibit_any));
  if (auto skew = map.optional("clock_skew")) {
    rules.clock_skew = TRY(skew->duration());
    if (rules.clock_skew > std::chrono::minutes(5)) return skew->error("expected 5m at most");
  }
  if (auto good = trust::check_rules(rules); !good) return node.error(good.error().context);
  if (auto fetch = map.optional("fetch")) config.fetch = TRY(read_fetch(*fetch));
  return map.finish();
}

Result<trust::MapRule> read_map_rule(const Yaml& node) {
  const auto made = [](const Yaml& item) -> Result<trust::MapRule> {
    auto rule = trust::parse_map_rule(TRY(item.string()));
    if (!rule) return item.error(rule.error().context);
    return rule;
  };
  if (node.string()) return made(node);  // the short form: a rule for every certificate
  auto map = TRY(node.map());
  auto rule = TRY(made(TRY(map.required("map"))));
  rule.name = TRY(TRY(map.required("name")).string());
  if (auto priority = map.optional("priority"))
    rule.priority = TRY(priority->integer(0, trust::lowest_priority));
  if (auto match = map.optional("match")) {
    auto parsed = trust::Match::parse(TRY(match->string()));
    if (!parsed) return match->error(parsed.error().context);
    rule.match = std::move(*parsed);
  }
  TRY(map.finish());
  return rule;
}

Result<std::vector<trust::MapRule>> read_mapping(const Yaml& node) {
  std::vector<trust::MapRule> rules;
  for (const auto& item : TRY(node.list())) {
    auto rule = TRY(read_map_rule(item));
    const auto same = [&](const auto& other) { return other.name == rule.name; };
    if (std::ranges::any_of(rules, same))
      return item.error(fmt::format("two mapping rules are called '{}'", rule.name));
    rules.push_back(std::move(rule));
  }
  if (rules.empty()) return node.error("expected at least one way to find the person");
  if (rules.size() > trust::max_map_rules)
    return node.error(fmt::format("expected at most {} rules", trust::max_map_rules));
  return rules;
}

Result<PeerMatch> read_match(const Yaml& node) {
  auto map = TRY(node.map());
  PeerMatch match;
  if (auto user = map.optional("user")) match.uid = TRY(user_id(*user));
  if (auto group = map.optional("group")) match.gid = TRY(group_id(*group));
  if (auto unit = map.optional("unit")) {
    match.unit = TRY(unit->string());
    if (!match.unit.ends_with(".service")) return unit->error("expected a system unit such as esr.service");
  }
  TRY(map.finish());
  if (!match.uid && !match.gid && match.unit.empty()) return node.error("expected user, group or unit");
  return match;
}

Result<ClientEntry> read_client(const Yaml& node) {
  auto map = TRY(node.map());
  ClientEntry client;
  client.name = TRY(TRY(map.required("name")).string());
  client.match = TRY(read_match(TRY(map.required("match"))));
  if (auto sign_in = map.optional("sign_in")) client.sign_in = TRY(sign_in->boolean());
  if (auto tokens = map.optional("tokens")) {
    for (const auto& item : TRY(tokens->list())) {
      auto grant = TRY(item.map());
      client.tokens.push_back({
        TRY(TRY(grant.required("audience")).string())
        , TRY(TRY(grant.required("roles")).strings())
      });
      TRY(grant.finish());
    }
  }
  if (auto format = map.optional("format")) {
    const auto word = TRY(format->string());
    if (word != "jwt" && word != "reference") return format->error("expected jwt or reference");
    client.format = word == "jwt" ? TokenFormat::jwt : TokenFormat::reference;
  }
  if (auto verifies = map.optional("verifies")) client.verifies = TRY(verifies->strings());
  TRY(map.finish());
  return client;
}

Result<TokenSettings> read_tokens(const Yaml& node) {
  auto map = TRY(node.map());
  TokenSettings settings;
  if (auto algorithm = map.optional("algorithm")) {
    const auto parsed = proto::parse_algorithm(TRY(algorithm->string()));
    if (!parsed) return algorithm->error("expected EdDSA, Ed25519 or ES256");
    settings.algorithm = *parsed;
  }
  if (auto ahead = map.optional("publish_ahead")) {
    settings.publish_ahead = TRY(ahead->duration());
    if (settings.publish_ahead < std::chrono::minutes(1) || settings.publish_ahead > std::chrono::days(7))
      return ahead->error("expected 1m to 7d");
  }
  if (auto every = map.optional("rotate_every")) {
    settings.rotate_every = TRY(every->duration());
    if (*settings.rotate_every < std::chrono::hours(1) || *settings.rotate_every > std::chrono::days(3660) ||
        *settings.rotate_every < 2 * settings.publish_ahead)
      return every->error("expected 1h to 3660d, and twice publish_ahead at least");
  }
  TRY(map.finish());
  return settings;
}

/// "99.5%".
Result<double> percent_of(const Yaml& node) {
  const auto text = TRY(node.string());
  const auto wrong = [&] { return node.error("expected a percentage from 50% to 100%, as 99.5%"); };
  if (!text.ends_with('%')) return wrong();
  double value = 0;
  const char* const end = text.data() + text.size() - 1;
  const auto read = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  if (read.ec != std::errc() || read.ptr != end || !(value >= 50 && value <= 100)) return wrong();
  return value;
}

Result<ServiceStandard> read_service_standard(const Yaml& node) {
  auto map = TRY(node.map());
  ServiceStandard out;
  if (auto value = map.optional("availability")) out.availability = TRY(percent_of(*value));
  if (auto value = map.optional("sign_in")) {
    out.sign_in = TRY(value->duration());
    if (out.sign_in < milliseconds(100) || out.sign_in > std::chrono::minutes(5))
      return value->error("expected 100ms to 5m");
  }
  TRY(map.finish());
  return out;
}

Result<ReaderRule> read_reader(const Yaml& node) {
  auto map = TRY(node.map());
  ReaderRule rule;
  if (auto name = map.optional("name_contains")) rule.name_contains = TRY(name->string());
  if (auto seat = map.optional("seat")) rule.seat = TRY(seat->string());
  if (auto users = map.optional("users")) {
    for (const auto& user : TRY(users->list())) rule.uids.push_back(TRY(user_id(user)));
  }
  TRY(map.finish());
  if (rule.seat.empty() && rule.uids.empty()) return node.error("expected seat, users or both");
  return rule;
}

Result<CardSettings> read_cards(const Yaml& node) {
  CardSettings settings;
  auto map = TRY(node.map());
  const auto drivers = map.optional("drivers");
  if (drivers) {
    settings.drivers = TRY(drivers->strings());
    if (settings.drivers.empty()) return drivers->error("expected at least one card driver");
  }
  if (auto presence = map.optional("card_authentication")) {
    const std::string mode = TRY(presence->string());
    if (mode != "check" && mode != "require") return presence->error("expected check or require");
    settings.require_presence = mode == "require";
  }
  const bool uses_vendor = std::ranges::find(settings.drivers, "pkcs11") != settings.drivers.end();
  for (const char* key : {"vendor_socket", "vendor_token"}) {
    const auto value = map.optional(key);
    if (value && !uses_vendor) return value->error("is of no use without pkcs11 among the drivers");
  }
  if (auto socket = map.optional("vendor_socket")) settings.vendor_socket = TRY(path_of(*socket));
  if (auto token = map.optional("vendor_token")) settings.vendor_token = TRY(token->string());
  if (auto made = make_drivers(settings); !made)
    return (drivers ? *drivers : node).error(made.error().context);
  TRY(map.finish());
  return settings;
}

/// "name.service", or "name@*" for every unit of a template (systemd.unit(5)). Sessions and people's own units are no services of
/// this machine and cannot be named.
bool is_service_unit(std::string_view text) {
  constexpr std::size_t longest = 255;
  constexpr std::string_view end = ".service";
  const auto fits_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(":-_.\\@").find(c) != std::string_view::npos;
  };
  if (text.size() > longest || text.starts_with("user@")) return false;
  std::string_view name = text;
  if (name.ends_with("@*")) {
    name.remove_suffix(2);
  } else if (name.ends_with(end)) {
    name.remove_suffix(end.size());
  } else {
    return false;
  }
  return !name.empty() && name.front() != '@' && std::ranges::all_of(name, fits_name);
}

Result<std::vector<std::string>> read_local_units(const Yaml& node) {
  constexpr std::size_t most = 32;
  std::vector<std::string> out;
  for (const auto& item : TRY(node.list())) {
    auto unit = TRY(item.string());
    if (!is_service_unit(unit)) return item.error("expected the name of a service, as xdm.service or ly@*");
    out.push_back(std::move(unit));
  }
  if (out.size() > most) return node.error(fmt::format("expected at most {} units", most));
  return out;
}

Result<LoginSettings> read_pam(const Yaml& node) {
  auto map = TRY(node.map());
  LoginSettings out;
  const auto choice = [&map](const char* key, bool& to, std::string_view no,
                             std::string_view yes) -> Result<void> {
    const auto value = map.optional(key);
    if (!value) return {};
    const std::string word = TRY(value->string());
    if (word != no && word != yes) return value->error(fmt::format("expected {} or {}", no, yes));
    to = word == yes;
    return {};
  };
  TRY(choice("account", out.enforce_account, "ignore", "enforce"));
  TRY(choice("remote", out.allow_remote, "refuse", "allow"));
  TRY(choice("root", out.allow_root, "refuse", "allow"));
  TRY(choice("no_card", out.ask_for_card, "password", "ask"));
  if (auto units = map.optional("local_units")) out.local_units = TRY(read_local_units(*units));
  TRY(map.finish());
  return out;
}

Result<Limits> read_limits(const Yaml& node) {
  Limits limits;
  auto map = TRY(node.map());
  struct Field {
    std::string_view key;
    std::int64_t Limits::* member;
    std::int64_t maximum;
  };
  static constexpr Field fields[] = {
      {"connections", &Limits::connections, 65'536},
      {"connections_per_uid", &Limits::connections_per_uid, 65'536},
      {"sessions", &Limits::sessions, 100'000},
      {"tokens_per_session", &Limits::tokens_per_session, 10'000'000},
      {"requests_per_second", &Limits::requests_per_second, 1'000'000},
      {"tokens_per_second", &Limits::tokens_per_second, 1'000'000},
      {"sign_ins_per_minute", &Limits::sign_ins_per_minute, 100'000},
      {"listeners_per_uid", &Limits::listeners_per_uid, 1'024},
      {"listener_queue", &Limits::listener_queue, 65'536},
  };
  for (const auto& field : fields) {
    if (auto value = map.optional(field.key)) limits.*field.member = TRY(value->integer(1, field.maximum));
  }
  TRY(map.finish());
  return limits;
}

Result<void> check_unique_names(const Yaml& list, const std::vector<ClientEntry>& clients) {
  for (std::size_t i = 0; i < clients.size(); ++i) {
    for (std::size_t k = i + 1; k < clients.size(); ++k) {
      if (clients[i].name == clients[k].name) {
        return list.error(fmt::format("two clients are called '{}'", clients[i].name));
      }
    }
  }
  return {};
}

/// How long something of the log is kept; `forever` is for ever.
Result<milliseconds> read_age(const Yaml& node) {
  if (const auto word = node.string(); word && *word == "forever") return milliseconds::zero();
  const auto age = TRY(node.duration());
  constexpr std::chrono::hours day(24);
  if (age < day || age > 36500 * day) return node.error("expected 1d to 36500d, or forever");
  return age;
}

Result<audit::Keeping> read_keeping(const Yaml& node) {
  auto map = TRY(node.map());
  audit::Keeping out;
  out.all = TRY(read_age(TRY(map.required("all"))));
  if (const auto events = map.optional("events")) {
    auto kinds = TRY(events->map());
    for (const auto& [name, age] : kinds.entries()) {
      const auto* event = audit::find_event(name);
      if (event == nullptr || event->internal)
        return age.error(fmt::format("no record is called '{}'; docs/audit-format.md lists them", name));
      out.events[name] = TRY(read_age(age));
    }
    if (out.all == milliseconds::zero() && !out.events.empty())
      return events->error(
          "needs an `all` that is not forever: a file of the log is deleted only as a whole");
  }
  TRY(map.finish());
  return out;
}

Result<void> read_audit(const Yaml& node, Config& config) {
  auto map = TRY(node.map());
  config.audit_directory = TRY(path_of(TRY(map.required("directory"))));
  if (auto bytes = map.optional("segment_bytes")) {
    config.audit_segment_bytes = static_cast<std::size_t>(TRY(bytes->integer(1 << 16, 1LL << 30)));
  }
  if (auto keep = map.optional("keep_segments")) {
    config.audit_keep_segments = static_cast<std::size_t>(TRY(keep->integer(0, 1'000'000)));
  }
  if (auto keep = map.optional("keep")) {
    config.audit_keeping = TRY(read_keeping(*keep));
    if (!config.audit_keeping.limited() && config.audit_keep_segments > 0)
      return keep->error(
          "`all: forever` keeps everything, and keep_segments deletes the oldest files: take one of the two "
          "out");
  }
  if (auto checkpoints = map.optional("checkpoints")) {
    auto told = TRY(checkpoints->map());
    if (auto every = told.optional("every")) {
      config.audit_checkpoint_every = TRY(every->duration());
      if (config.audit_checkpoint_every < seconds(1) ||
          config.audit_checkpoint_every > std::chrono::hours(24))
        return every->error("expected 1s to 24h");
    }
    if (auto file = told.optional("file")) config.audit_checkpoint_file = TRY(path_of(*file));
    if (auto hook = told.optional("hook")) config.audit_checkpoint_hook = TRY(path_of(*hook));
    TRY(told.finish());
  }
  if (auto standard = map.optional("service_standard"))
    config.service_standard = TRY(read_service_standard(*standard));
  return map.finish();
}

}  // namespace

Result<Config> load_config(const std::filesystem::path& file) {
  const Yaml root = TRY(Yaml::load(file));
  auto map = TRY(root.map());
  Config config;
  config.file = file;
  const Yaml issuer = TRY(map.required("issuer"));
  config.issuer = TRY(issuer.string());
  if (!config.issuer.starts_with("https://")) return issuer.error("expected a URL that begins with https://");
  if (auto zone = map.optional("time_zone")) {
    auto calendar = Calendar::of(TRY(zone->string()));
    if (!calendar) return zone->error(calendar.error().context);
    config.calendar = *calendar;
  }
  config.socket = TRY(path_of(TRY(map.required("socket"))));
  config.admin_socket = TRY(path_of(TRY(map.required("admin_socket"))));
  config.state_directory = TRY(path_of(TRY(map.required("state_directory"))));
  config.policy = TRY(path_of(TRY(map.required("policy"))));
  TRY(read_audit(TRY(map.required("audit")), config));
  TRY(read_trust(TRY(map.required("trust")), config));
  config.mapping = TRY(read_mapping(TRY(map.required("mapping"))));
  for (const auto& item : TRY(TRY(map.required("readers")).list()))
    config.readers.push_back(TRY(read_reader(item)));
  if (auto cards = map.optional("cards")) config.cards = TRY(read_cards(*cards));
  const Yaml clients = TRY(map.required("clients"));
  for (const auto& item : TRY(clients.list())) config.clients.push_back(TRY(read_client(item)));
  TRY(check_unique_names(clients, config.clients));
  if (auto downtime = map.optional("downtime")) config.downtime = TRY(read_downtime(*downtime));
  if (auto pattern = map.optional("staff_ids")) {
    auto compiled = reg::IdPattern::compile(TRY(pattern->string()));
    if (!compiled) return pattern->error(compiled.error().context);
    config.staff_ids = std::move(*compiled);
  }
  if (auto tokens = map.optional("tokens")) config.tokens = TRY(read_tokens(*tokens));
  if (auto passwords = map.optional("passwords")) config.passwords = TRY(read_passwords(*passwords));
  if (auto pam = map.optional("pam")) config.pam = TRY(read_pam(*pam));
  if (auto limits = map.optional("limits")) config.limits = TRY(read_limits(*limits));
  TRY(map.finish());
  return config;
}

std::string needs_restart(const Config& now, const Config& next) {
  if (now.socket != next.socket) return "socket";
  if (now.admin_socket != next.admin_socket) return "admin_socket";
  if (now.state_directory != next.state_directory) return "state_directory";
  if (now.audit_directory != next.audit_directory) return "audit.directory";
  if (now.audit_segment_bytes != next.audit_segment_bytes) return "audit.segment_bytes";
  if (now.audit_keep_segments != next.audit_keep_segments) return "audit.keep_segments";
  if (now.audit_keeping != next.audit_keeping) return "audit.keep";
  if (now.audit_checkpoint_every != next.audit_checkpoint_every) return "audit.checkpoints.every";
  if (now.audit_checkpoint_file != next.audit_checkpoint_file) return "audit.checkpoints.file";
  if (now.audit_checkpoint_hook != next.audit_checkpoint_hook) return "audit.checkpoints.hook";
  if (now.issuer != next.issuer) return "issuer";
  if (now.cards.drivers != next.cards.drivers) return "cards.drivers";
  if (now.cards.vendor_socket != next.cards.vendor_socket) return "cards.vendor_socket";
  if (now.cards.vendor_token != next.cards.vendor_token) return "cards.vendor_token";
  return {};
}

}  // namespace cardgate::daemon
