// SPDX-License-Identifier: Apache-2.0
#include "trust/intake.hpp"

#include <openssl/pem.h>

#include <algorithm>

#include "base/file.hpp"
#include "trust/authorities.hpp"
#include "trust/openssl.hpp"

namespace cardgate::trust {

namespace {

Error malformed_file(BlockKind kind, std::string text) {
  return {kind == BlockKind::crl ? Errc::crl_malformed : Errc::certificate_malformed, std::move(text)};
}

bool fits(std::string_view label, BlockKind kind) {
  if (kind == BlockKind::crl) return label == PEM_STRING_X509_CRL;
  return label == PEM_STRING_X509 || label == PEM_STRING_X509_OLD;
}

/// DER objects of more than 127 bytes start so; '0' followed by a byte above ASCII is no PEM file's text.
bool looks_like_der(BytesView content) {
  return content.size() > 1 && content[0] == 0x30 && content[1] >= 0x80;
}

Result<std::vector<Bytes>> split_pem(BytesView content, BlockKind kind) {
  const char* wanted = kind == BlockKind::crl ? "certificate revocation list" : "certificate";
  const BioPtr in{BIO_new_mem_buf(content.data(), static_cast<int>(content.size()))};
  if (!in) return Error{Errc::internal, "no memory to read PEM"};
  std::vector<Bytes> blocks;
  for (;;) {
    char* label = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;
    ERR_clear_error();
    if (PEM_read_bio(in.get(), &label, &header, &data, &size) != 1) {
      const int reason = ERR_GET_REASON(ERR_peek_last_error());
      ERR_clear_error();
      if (reason == PEM_R_NO_START_LINE) break;
      return malformed_file(kind, "a PEM block is damaged");
    }
    const std::string name = label;
    const bool plain = *header == '\0';
    Bytes block(data, data + size);
    OPENSSL_free(label);
    OPENSSL_free(header);
    OPENSSL_clear_free(data, static_cast<std::size_t>(size));
    if (!fits(name, kind) || !plain) {
      return malformed_file(kind, "holds a block \"" + name + "\", expected a " + wanted);
    }
    blocks.push_back(std::move(block));
  }
  if (blocks.empty())
    return malformed_file(kind, std::string{"holds no "} + wanted + ", neither PEM nor DER");
  return blocks;
}

}  // namespace

Result<std::vector<Bytes>> split_blocks(BytesView content, BlockKind kind) {
  const std::size_t limit = kind == BlockKind::crl ? max_crl_file_bytes : max_certificate_file_bytes;
  if (content.size() > limit) return Error{Errc::too_large, "more than " + std::to_string(limit) + " bytes"};
  if (looks_like_der(content)) return std::vector<Bytes>{Bytes(content.begin(), content.end())};
  return split_pem(content, kind);
}

Result<std::vector<Bytes>> read_blocks(const std::filesystem::path& path, BlockKind kind) {
  const std::string content =
      TRY(read_file(path, kind == BlockKind::crl ? max_crl_file_bytes : max_certificate_file_bytes));
  auto blocks = split_blocks(as_bytes(content), kind);
  if (!blocks) return std::move(blocks).error().with(path.string());
  return blocks;
}

Result<std::vector<std::filesystem::path>> files_of(const std::filesystem::path& path) {
  std::error_code code;
  if (!std::filesystem::is_directory(path, code)) return std::vector<std::filesystem::path>{path};
  std::vector<std::filesystem::path> files;
  std::filesystem::directory_iterator at{path, code};
  for (; !code && at != std::filesystem::directory_iterator{}; at.increment(code)) {
    if (at->path().filename().string().starts_with(".")) continue;
    std::error_code kind_code;
    if (at->is_directory(kind_code)) continue;
    if (files.size() == max_files_per_directory) {
      return Error{Errc::too_large,
                   path.string() + ": more than " + std::to_string(max_files_per_directory) + " files"};
    }
    files.push_back(at->path());
  }
  if (code) return errno_error(path.string(), code.value());
  std::ranges::sort(files);
  return files;
}

}  // namespace cardgate::trust
