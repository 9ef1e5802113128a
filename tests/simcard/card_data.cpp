// SPDX-License-Identifier: Apache-2.0
#include "tests/simcard/card_data.hpp"

#include <sys/stat.h>
#include <algorithm>

#include "base/card_id.hpp"
#include "base/crypto.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "tests/simcard/openssl.hpp"
#include "tests/simcard/tlv.hpp"

namespace cardgate::simcard {

namespace {

constexpr std::size_t max_file = 1 << 16;

std::string certificate_pem(BytesView der) {
  const Bio bio = memory_bio();
  const unsigned char* at = der.data();
  const Certificate certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (!certificate) return {};
  PEM_write_bio_X509(bio.get(), certificate.get());
  return content(bio);
}

Result<void> save_slot(const std::filesystem::path& directory, const std::string& slot, const KeySlot& what) {
  TRY(write_file_atomic(directory / (slot + ".key"), as_bytes(what.private_key), 0600));
  const auto path = directory / (slot + ".pem");
  if (what.certificate.empty()) {
    std::error_code error;
    std::filesystem::remove(path, error);
    if (error) return errno_error(path.string(), error.value());
    return {};
  }
  const std::string pem = certificate_pem(what.certificate);
  if (pem.empty()) return openssl_error("the certificate of slot " + slot);
  return write_file_atomic(path, as_bytes(pem), 0644);
}

Result<KeySlot> load_slot(const std::filesystem::path& directory, const std::string& slot) {
  KeySlot result;
  result.private_key = TRY(read_file(directory / (slot + ".key"), max_file));
  const Key key = TRY(read_private_key(result.private_key));
  const bool rsa = EVP_PKEY_is_a(key.get(), "RSA") == 1;
  const auto bytes = static_cast<std::size_t>(EVP_PKEY_get_bits(key.get()) + 7) / 8;
  const auto kind = std::ranges::find_if(
      all_key_kinds, [&](KeyKind one) { return facts_of(one).rsa == rsa && facts_of(one).block == bytes; });
  if (kind == all_key_kinds.end())
    return Error(Errc::malformed,
                 (directory / (slot + ".key")).string() + ": not a kind of key that a card has");
  result.kind = *kind;
  auto pem = read_file(directory / (slot + ".pem"), max_file);
  if (!pem) {
    if (pem.error().code == Errc::not_found) return result;
    return pem.error();
  }
  const Bio bio = memory_bio(as_bytes(*pem));
  const Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (!certificate)
    return Error(Errc::malformed, (directory / (slot + ".pem")).string() + ": not a certificate in PEM");
  result.certificate = to_der(certificate.get());
  return result;
}

Result<std::string> text_member(const json::object& object, std::string_view key) {
  const auto* text = find_string(object, key);
  if (text == nullptr) return Error(Errc::malformed, "card.json has no text `" + std::string(key) + "`");
  return std::string(*text);
}

Result<int> counter_member(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || !value->is_int64() || value->as_int64() < 0 || value->as_int64() > 15)
    return Error(Errc::malformed, "card.json has no number `" + std::string(key) + "` of 0 to 15");
  return static_cast<int>(value->as_int64());
}

}  // namespace

const KeyKindFacts& facts_of(KeyKind kind) {
  static constexpr KeyKindFacts p256{"p256", 0x11, 32, false};
  static constexpr KeyKindFacts p384{"p384", 0x14, 48, false};
  static constexpr KeyKindFacts rsa2048{"rsa2048", 0x07, 256, true};
  static constexpr KeyKindFacts rsa3072{"rsa3072", 0x05, 384, true};
  switch (kind) {
    case KeyKind::p384:
      return p384;
    case KeyKind::rsa2048:
      return rsa2048;
    case KeyKind::rsa3072:
      return rsa3072;
    case KeyKind::p256:
      break;
  }
  return p256;
}

std::string_view name(KeyKind kind) {
  return facts_of(kind).name;
}

Result<KeyKind> parse_key_kind(std::string_view text) {
  for (const KeyKind kind : all_key_kinds) {
    if (text == name(kind)) return kind;
  }
  return Error(Errc::invalid_argument, "key kinds are p256, p384, rsa2048 and rsa3072");
}

std::string to_text(const Uuid& uuid) {
  return uuid_text(uuid);
}

Result<Uuid> parse_uuid(std::string_view text) {
  const Error wrong(Errc::malformed, "a UUID reads xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
  if (!is_uuid(text)) return wrong;
  std::string hex(text);
  std::erase(hex, '-');
  const Bytes bytes = TRY(from_hex(hex));
  Uuid uuid{};
  std::copy(bytes.begin(), bytes.end(), uuid.begin());
  return uuid;
}

Uuid random_uuid() {
  Uuid uuid{};
  const Bytes random = random_bytes(uuid.size());
  std::copy(random.begin(), random.end(), uuid.begin());
  uuid[6] = static_cast<std::uint8_t>((uuid[6] & 0x0F) | 0x40);
  uuid[8] = static_cast<std::uint8_t>((uuid[8] & 0x3F) | 0x80);
  return uuid;
}

Bytes chuid_fields(const CardData& data) {
  // FASC-N with agency 9999, as cards outside the federal government carry it (SP 800-73-4 part 1, 3.4.1).
  const Bytes fascn{0xD4, 0xE7, 0x39, 0xDA, 0x73, 0x9C, 0xED, 0x39, 0xCE, 0x73, 0x9D, 0x83, 0x68,
                    0x58, 0x21, 0x08, 0x42, 0x10, 0x84, 0x21, 0xC8, 0x42, 0x10, 0xC3, 0xEB};
  return join({tlv(0x30, fascn), tlv(0x34, data.uuid), tlv(0x35, as_bytes(data.expiry)), tlv(0xFE, {})});
}

Result<void> save_card_state(const std::filesystem::path& directory, const CardData& data) {
  const json::object object{{"person", data.person},
                            {"uuid", to_text(data.uuid)},
                            {"expiry", data.expiry},
                            {"pin", data.pin},
                            {"puk", data.puk},
                            {"pin_tries", data.pin_tries},
                            {"puk_tries", data.puk_tries},
                            {"max_tries", data.max_tries},
                            {"gzip_certificates", data.gzip_certificates},
                            {"chuid_signature", to_hex(data.chuid_signature)},
                            {"ca", data.ca.string()}};
  return write_file_atomic(directory / "card.json", as_bytes(json::serialize(object) + "\n"), 0600);
}

Result<void> save_card(const std::filesystem::path& directory, const CardData& data) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return errno_error(directory.string(), error.value());
  if (::chmod(directory.c_str(), 0700) != 0) return errno_error(directory.string(), errno);
  TRY(save_slot(directory, "9a", data.authentication));
  TRY(save_slot(directory, "9e", data.card_authentication));
  return save_card_state(directory, data);
}

Result<CardData> load_card(const std::filesystem::path& directory) {
  const std::string text = TRY(read_file(directory / "card.json", max_file));
  const json::value value = TRY(parse_json(text));
  const auto* object = value.if_object();
  if (object == nullptr) return Error(Errc::malformed, "card.json is not an object");
  CardData data;
  data.person = TRY(text_member(*object, "person"));
  data.uuid = TRY(parse_uuid(TRY(text_member(*object, "uuid"))));
  data.expiry = TRY(text_member(*object, "expiry"));
  data.pin = TRY(text_member(*object, "pin"));
  data.puk = TRY(text_member(*object, "puk"));
  data.pin_tries = TRY(counter_member(*object, "pin_tries"));
  data.puk_tries = TRY(counter_member(*object, "puk_tries"));
  data.max_tries = TRY(counter_member(*object, "max_tries"));
  const auto* gzip = object->if_contains("gzip_certificates");
  data.gzip_certificates = gzip != nullptr && gzip->is_bool() && gzip->as_bool();
  data.chuid_signature = TRY(from_hex(TRY(text_member(*object, "chuid_signature"))));
  data.ca = TRY(text_member(*object, "ca"));
  data.authentication = TRY(load_slot(directory, "9a"));
  data.card_authentication = TRY(load_slot(directory, "9e"));
  return data;
}

}  // namespace cardgate::simcard
