// SPDX-License-Identifier: Apache-2.0
#include "policy/guidance_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace cardgate::policy {
namespace {

constexpr std::size_t most_documents = 10;
constexpr std::size_t longest_text = 300;

Result<std::string> read_short(const Yaml& node) {
  std::string text = TRY(node.string());
  if (text.size() > longest_text) return node.error(fmt::format("expected {} bytes at most", longest_text));
  return text;
}

/// It is shown beside a click, so nothing but the web.
Result<std::string> read_link(const Yaml& node) {
  std::string link = TRY(read_short(node));
  const bool web = link.starts_with("https://") || link.starts_with("http://");
  if (!web || std::ranges::any_of(link, [](unsigned char c) { return c <= ' ' || c >= 0x7F; }))
    return node.error("expected a link like https://intranet.example/guide, without spaces");
  return link;
}

Result<Guidance> read_document(const Yaml& item) {
  YamlMap map = TRY(item.map());
  Guidance out;
  out.title = TRY(read_short(TRY(map.required("title"))));
  const auto link = map.optional("link");
  const auto file = map.optional("file");
  TRY(map.finish());
  if (link.has_value() == file.has_value()) return item.error("expected either 'link' or 'file'");
  if (link) {
    out.link = TRY(read_link(*link));
    return out;
  }
  out.file = TRY(read_short(*file));
  if (!std::filesystem::path(out.file).is_absolute()) return file->error("expected an absolute path");
  return out;
}

}  // namespace

Result<std::vector<Guidance>> read_guidance(const Yaml& list) {
  std::vector<Guidance> out;
  for (const auto& item : TRY(list.list())) out.push_back(TRY(read_document(item)));
  if (out.size() > most_documents)
    return list.error(fmt::format("expected at most {} documents", most_documents));
  return out;
}

}  // namespace cardgate::policy
