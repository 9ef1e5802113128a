// SPDX-License-Identifier: Apache-2.0
#include "base/strict_yaml.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "base/bytes.hpp"
#include "base/file.hpp"
#include "base/nearest.hpp"
#include "base/number.hpp"

namespace cardgate {

struct Yaml::Node {
  enum class Kind : std::uint8_t { null, scalar, list, map };
  Kind kind = Kind::null;
  int line = 0;
  bool quoted = false;
  std::string file;       // set in the root only
  std::string key;        // this node's key in its parent map
  std::size_t index = 0;  // or its place in its parent list
  std::string scalar;
  const Node* parent = nullptr;
  std::vector<std::unique_ptr<Node>> children;
  /// The children of a large map by their keys, which live as long as they do. Ordered and not hashed: whoever writes the
  /// file chooses the keys, and could choose them to collide.
  std::map<std::string_view, const Node*> by_key;
};

namespace {

using Node = Yaml::Node;
constexpr std::size_t max_depth = 16;
constexpr std::size_t max_looked_at = 64;
constexpr std::size_t looked_through = 16;  // so many keys are as quickly compared one by one

const Node* child_of(const Node& map, std::string_view key) {
  if (!map.by_key.empty()) {
    const auto found = map.by_key.find(key);
    return found == map.by_key.end() ? nullptr : found->second;
  }
  const auto found = std::ranges::find_if(map.children, [&](const auto& child) { return child->key == key; });
  return found == map.children.end() ? nullptr : found->get();
}

void add_child(Node& parent, std::unique_ptr<Node> child) {
  parent.children.push_back(std::move(child));
  if (parent.kind != Node::Kind::map || parent.children.size() <= looked_through) return;
  const auto enter = [&](const std::unique_ptr<Node>& each) { parent.by_key.emplace(each->key, each.get()); };
  if (parent.by_key.empty()) {
    std::ranges::for_each(parent.children, enter);
  } else {
    enter(parent.children.back());
  }
}

const Node& root_of(const Node& node) {
  return node.parent == nullptr ? node : root_of(*node.parent);
}

std::string path_of(const Node& node) {
  if (node.parent == nullptr) return {};
  std::string path = path_of(*node.parent);
  if (node.parent->kind == Node::Kind::list) return path + fmt::format("[{}]", node.index);
  return path.empty() ? node.key : path + "." + node.key;
}

Error error_at(const Node& node, std::string_view text) {
  const std::string path = path_of(node);
  return {Errc::config_invalid,
          path.empty() ? fmt::format("{}:{}: {}", root_of(node).file, node.line, text)
                       : fmt::format("{}:{}: {}: {}", root_of(node).file, node.line, path, text)};
}

Error unknown(const Node& node, const std::string& meant) {
  return error_at(node, fmt::format("unknown key '{}'; did you mean '{}'?", node.key, meant));
}

/// Thrown through yaml-cpp's parser and caught in parse(); never leaves this file.
struct Refused {
  Error error;
};

/// Builds our own tree from the parser's events, because YAML::Node forgets which key stood twice.
class Builder final : public YAML::EventHandler {
 public:
  explicit Builder(std::string_view file) : root(std::make_unique<Node>()) { root->file = std::string(file); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { add(Node::Kind::null, mark); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    Node& node = add(Node::Kind::null, mark);
    throw Refused{error_at(node, "aliases (*name) are not allowed here: write the value out")};
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    if (expects_key()) {
      pending_key_ = value;
      pending_line_ = mark.line + 1;
      has_key_ = true;
      return;
    }
    Node& node = add(Node::Kind::scalar, mark);
    node.scalar = value;
    node.quoted = tag == "!";
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(Node::Kind::list, mark);
  }
  void OnSequenceEnd() override { stack_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    open(Node::Kind::map, mark);
  }
  void OnMapEnd() override { stack_.pop_back(); }

  std::unique_ptr<Node> root;

 private:
  bool expects_key() const { return !stack_.empty() && stack_.back()->kind == Node::Kind::map && !has_key_; }

  Node& add(Node::Kind kind, const YAML::Mark& mark) {
    if (expects_key()) {
      Node at;
      at.line = mark.line + 1;
      at.file = root->file;
      throw Refused{error_at(at, "a key must be a plain word")};
    }
    Node* node = root.get();
    if (!stack_.empty()) {
      Node& parent = *stack_.back();
      auto child = std::make_unique<Node>();
      child->parent = &parent;
      child->line = mark.line + 1;
      if (parent.kind == Node::Kind::map) {
        child->key = std::exchange(pending_key_, {});
        child->line = pending_line_;
        has_key_ = false;
        if (const Node* other = child_of(parent, child->key))
          throw Refused{error_at(*child, fmt::format("stands twice (first on line {})", other->line))};
      } else {
        child->index = parent.children.size();
      }
      add_child(parent, std::move(child));
      node = parent.children.back().get();
    } else {
      node->line = mark.line + 1;
    }
    node->kind = kind;
    return *node;
  }

  void open(Node::Kind kind, const YAML::Mark& mark) {
    Node& node = add(kind, mark);
    stack_.push_back(&node);
    if (stack_.size() > max_depth) throw Refused{error_at(node, "nested too deeply")};
  }

  std::vector<Node*> stack_;
  std::string pending_key_;
  int pending_line_ = 0;
  bool has_key_ = false;
};

}  // namespace

Result<Yaml> Yaml::load(const std::filesystem::path& path, std::size_t max_bytes) {
  const std::string text = TRY(read_file(path, max_bytes));
  return parse(text, path.string());
}

Result<Yaml> Yaml::parse(std::string_view text, std::string_view name) {
  Builder builder(name);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) {
      builder.root->line = 1;
    } else {
      Builder rest(name);
      if (parser.HandleNextDocument(rest)) {
        return Error{Errc::config_invalid, fmt::format("{}: a second document (---) is not allowed", name)};
      }
    }
  } catch (const Refused& refused) {
    return refused.error;
  } catch (const YAML::Exception& failure) {
    return Error{Errc::config_invalid,
                 fmt::format("{}:{}: not valid YAML: {}", name, failure.mark.line + 1, failure.msg)};
  }
  std::shared_ptr<const Node> root = std::move(builder.root);
  const Node* node = root.get();
  return Yaml(std::move(root), node);
}

bool Yaml::is_null() const {
  return node_->kind == Node::Kind::null;
}
int Yaml::line() const {
  return node_->line;
}
std::string Yaml::key_path() const {
  return path_of(*node_);
}
Error Yaml::error(std::string_view text) const {
  return error_at(*node_, text);
}

Result<std::string> Yaml::string() const {
  if (node_->kind != Node::Kind::scalar || node_->scalar.empty()) return error("expected a text");
  if (!is_plain_utf8(node_->scalar)) return error("expected text in UTF-8 without control characters");
  return node_->scalar;
}

Result<bool> Yaml::boolean() const {
  if (node_->kind == Node::Kind::scalar && !node_->quoted) {
    if (node_->scalar == "true") return true;
    if (node_->scalar == "false") return false;
  }
  return error("expected true or false");
}

Result<std::int64_t> Yaml::integer(std::int64_t minimum, std::int64_t maximum) const {
  const auto value = whole_number<std::int64_t>(node_->scalar);
  if (node_->kind != Node::Kind::scalar || node_->quoted || !value || *value < minimum || *value > maximum) {
    return error(fmt::format("expected a whole number from {} to {}", minimum, maximum));
  }
  return *value;
}

Result<milliseconds> Yaml::duration() const {
  if (node_->kind == Node::Kind::scalar) {
    if (auto value = parse_duration(node_->scalar)) return *value;
  }
  return error("expected a duration like 90s, 15m, 12h or 30d");
}

Result<Date> Yaml::date() const {
  if (node_->kind == Node::Kind::scalar) {
    if (auto value = parse_date(node_->scalar)) return *value;
  }
  return error("expected a date like 2026-01-31");
}

Result<std::vector<Yaml>> Yaml::list() const {
  if (node_->kind != Node::Kind::list) return error("expected a list");
  std::vector<Yaml> out;
  out.reserve(node_->children.size());
  for (const auto& child : node_->children) out.push_back(Yaml(root_, child.get()));
  return out;
}

Result<std::vector<std::string>> Yaml::strings() const {
  std::vector<std::string> out;
  for (const auto& item : TRY(list())) out.push_back(TRY(item.string()));
  return out;
}

Result<YamlMap> Yaml::map() const {
  if (node_->kind != Node::Kind::map) return error("expected keys with values");
  return YamlMap(*this);
}

Result<Yaml> YamlMap::required(std::string_view key) {
  if (auto found = optional(key)) return *found;
  // Mistyped, it is there under another name; to call it missing would send the reader to the wrong line.
  std::size_t looked_at = 0;
  for (const auto& child : self_.node_->children) {
    if (++looked_at > max_looked_at) break;  // a map of thousands is no configuration
    if (std::ranges::find(known_, child->key) != known_.end() || !nearest(child->key, {std::string(key)}))
      continue;
    told_.push_back(child->key);
    return unknown(*child, std::string(key));
  }
  return self_.error(fmt::format("the key '{}' is missing", key));
}

std::optional<Yaml> YamlMap::optional(std::string_view key) {
  known_.emplace_back(key);
  const Node* child = child_of(*self_.node_, key);
  if (child == nullptr || child->kind == Node::Kind::null) return std::nullopt;
  return Yaml(self_.root_, child);
}

std::vector<std::pair<std::string, Yaml>> YamlMap::entries() {
  std::vector<std::pair<std::string, Yaml>> out;
  all_known_ = true;
  out.reserve(self_.node_->children.size());
  for (const auto& child : self_.node_->children)
    out.emplace_back(child->key, Yaml(self_.root_, child.get()));
  return out;
}

Result<void> YamlMap::finish() const {
  if (all_known_) return {};
  for (const auto& child : self_.node_->children) {
    if (std::ranges::find(known_, child->key) == known_.end() &&
        std::ranges::find(told_, child->key) == told_.end()) {
      if (const auto meant = nearest(child->key, known_)) return unknown(*child, *meant);
      return error_at(*child, fmt::format("unknown key; expected one of: {}", fmt::join(known_, ", ")));
    }
  }
  return {};
}

}  // namespace cardgate
