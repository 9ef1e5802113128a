// SPDX-License-Identifier: Apache-2.0
#include "tests/simcard/applet.hpp"

#include <openssl/rsa.h>
#include <zlib.h>

#include <algorithm>

#include "tests/simcard/openssl.hpp"
#include "tests/simcard/tlv.hpp"

namespace cardgate::simcard {

namespace {

constexpr std::array<std::uint8_t, 11> aid{0xA0, 0, 0, 0x03, 0x08, 0, 0, 0x10, 0, 0x01, 0};
constexpr std::size_t provider = 5;  // the part of the AID that says NIST; programs truncate down to it
constexpr std::size_t max_chain = 4096;
constexpr std::uint8_t chaining = 0x10;

constexpr std::uint8_t pin_reference = 0x80;
constexpr std::uint8_t global_pin_reference = 0x00;
constexpr std::uint8_t puk_reference = 0x81;

Bytes aid_bytes(std::size_t from, std::size_t to) {
  return {aid.begin() + from, aid.begin() + to};
}

// 6 to 8 digits, padded with FF to 8 bytes.
std::optional<std::string> read_pin(BytesView field) {
  if (field.size() != 8) return std::nullopt;
  std::string digits;
  while (digits.size() < 8 && field[digits.size()] >= '0' && field[digits.size()] <= '9')
    digits.push_back(static_cast<char>(field[digits.size()]));
  const bool padded = std::all_of(field.begin() + static_cast<std::ptrdiff_t>(digits.size()), field.end(),
                                  [](std::uint8_t byte) { return byte == 0xFF; });
  if (digits.size() < 6 || !padded) return std::nullopt;
  return digits;
}

Bytes gzip(BytesView content) {
  z_stream stream{};
  constexpr int gzip_format = 15 + 16;
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, gzip_format, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    return {};
  Bytes in(content.begin(), content.end());
  Bytes out(deflateBound(&stream, in.size()));
  stream.next_in = in.data();
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  const bool whole = deflate(&stream, Z_FINISH) == Z_STREAM_END;
  out.resize(whole ? stream.total_out : 0);
  deflateEnd(&stream);
  return out;
}

Bytes object(Bytes content) {
  return tlv(0x53, content);
}

// Card Capability Container: all that SP 800-73-4 part 1, table 9 asks for, saying nothing.
Bytes capability_container() {
  Bytes identifier{0xA0, 0, 0, 0x01, 0x16, 0xFF, 0x02};
  identifier.resize(0x15, 0);
  return object(join({tlv(0xF0, identifier), tlv(0xF1, Bytes{0x21}), tlv(0xF2, Bytes{0x21}), tlv(0xF3, {}),
                      tlv(0xF4, Bytes{0}), tlv(0xF5, Bytes{0x10}), tlv(0xF6, {}), tlv(0xF7, {}),
                      tlv(0xFA, {}), tlv(0xFB, {}), tlv(0xFC, {}), tlv(0xFD, {}), tlv(0xFE, {})}));
}

// Usage policy: the application PIN only (the second byte is then reserved), or both with the global one
// primary.
Bytes discovery_object(bool global_pin) {
  const Bytes policy = global_pin ? Bytes{0x60, 0x20} : Bytes{0x40, 0x00};
  return tlv(0x7E, join({tlv(0x4F, aid), tlv(0x5F2F, policy)}));
}

}  // namespace

std::optional<Bytes> sign_block(const std::string& private_key, KeyKind kind, BytesView block) {
  const auto key = read_private_key(private_key);
  if (!key) return std::nullopt;
  const KeyContext context(EVP_PKEY_CTX_new(key->get(), nullptr));
  if (!context || EVP_PKEY_sign_init(context.get()) != 1) return std::nullopt;
  if (facts_of(kind).rsa && EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_NO_PADDING) != 1)
    return std::nullopt;
  std::size_t size = 0;
  if (EVP_PKEY_sign(context.get(), nullptr, &size, block.data(), block.size()) != 1) return std::nullopt;
  Bytes signature(size);
  if (EVP_PKEY_sign(context.get(), signature.data(), &size, block.data(), block.size()) != 1) {
    ERR_clear_error();  // a block above the modulus: an answer, not an incident
    return std::nullopt;
  }
  signature.resize(size);
  return signature;
}

bool Applet::save() const {
  return directory_.empty() || save_card_state(directory_, data_).has_value();
}

Result<void> Applet::save_all() const {
  if (directory_.empty()) return {};
  return save_card(directory_, data_);
}

void Applet::forget() {
  selected_ = false;
  verified_ = false;
  chain_.reset();
  waiting_.clear();
}

/// The next `ne` bytes of the answer with their status word: 9000, or 61xx while more waits.
Bytes Applet::cut(std::size_t ne) {
  const std::size_t count = std::min(ne, waiting_.size());
  const auto middle = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
  Bytes answer(waiting_.begin(), middle);
  waiting_.erase(waiting_.begin(), middle);
  if (waiting_.empty()) {
    append(answer, Bytes{0x90, 0x00});
  } else {
    // xx of 61xx: 00 stands for 256 and more.
    append(answer, Bytes{0x61, static_cast<std::uint8_t>(waiting_.size() > 0xFF ? 0 : waiting_.size())});
  }
  return answer;
}

Bytes Applet::process(BytesView apdu, const Faults& faults) {
  const auto refuse = [](Sw word) {
    const auto sw = static_cast<std::uint16_t>(word);
    return Bytes{static_cast<std::uint8_t>(sw >> 8), static_cast<std::uint8_t>(sw)};
  };
  auto command = parse_command(apdu);
  const bool misplaced_le = data_.t0 && command && !command->data.empty() && command->ne != 0;
  if (!command || (command->extended && (faults.short_only || data_.t0)) || misplaced_le) {
    chain_.reset();
    waiting_.clear();
    return refuse(Sw::wrong_length);
  }
  constexpr std::uint8_t get_response = 0xC0;
  if (command->ins == get_response && command->cla == 0) {
    if (waiting_.empty()) return refuse(Sw::conditions_not_satisfied);
    return cut(command->ne == 0 ? 256 : command->ne);
  }
  constexpr std::uint8_t general_authenticate = 0x87;
  if (faults.half_read_blocks && !waiting_.empty() && command->ins == general_authenticate)
    return refuse(Sw::conditions_not_satisfied);
  waiting_.clear();
  if ((command->cla & ~chaining) != 0) {
    chain_.reset();
    return refuse(Sw::unknown_class);
  }
  if (chain_) {
    const bool continues =
        chain_->ins == command->ins && chain_->p1 == command->p1 && chain_->p2 == command->p2;
    if (!continues) {
      chain_.reset();  // and the command at hand stands for itself
    } else {
      Bytes data = std::move(chain_->data);
      append(data, command->data);
      command->data = std::move(data);
    }
  }
  if (command->data.size() > max_chain) {
    chain_.reset();
    return refuse(Sw::wrong_length);
  }
  if (command->cla == chaining) {
    chain_ = std::move(command);
    return refuse(Sw::ok);
  }
  chain_.reset();

  Answer answer = run(*command, faults);
  if (answer.sw != 0x9000 || answer.data.empty())
    return {static_cast<std::uint8_t>(answer.sw >> 8), static_cast<std::uint8_t>(answer.sw)};
  waiting_ = std::move(answer.data);
  // Without Le, ISO 7816-4 has no data come back; the cards that programs are written against send what fits.
  const std::size_t unasked = faults.strict_le || data_.t0 ? 0 : 256;
  if (faults.answers_later && !command->data.empty()) return cut(0);
  return cut(command->ne == 0 ? unasked : command->ne);
}

Answer Applet::run(const Command& command, const Faults& faults) {
  if (command.ins == 0xA4) return select(command, faults);
  if (!selected_) return Sw::unknown_instruction;
  switch (command.ins) {
    case 0xCB:
      return get_data(command, faults);
    case 0x20:
      return verify(command, faults);
    case 0x24:
      return change_reference(command);
    case 0x2C:
      return reset_retry_counter(command);
    case 0x87:
      return general_authenticate(command, faults);
    default:
      return Sw::unknown_instruction;
  }
}

Answer Applet::select(const Command& command, const Faults& faults) {
  if (command.p1 != 0x04 || command.p2 != 0x00) return Sw::wrong_p1_p2;
  const Bytes& name = command.data;
  const bool ours = name.size() >= provider && name.size() <= aid.size() &&
                    std::equal(name.begin(), name.end(), aid.begin());
  // A name that is not ours leaves PIV selected (part 2, 3.1.1); a second SELECT of PIV keeps the PIN
  // verified.
  if (!ours || faults.not_piv) return Sw::not_found;
  selected_ = true;
  const Bytes label(as_bytes("cardgate").begin(), as_bytes("cardgate").end());
  return tlv(0x61,
             join({tlv(0x4F, aid_bytes(provider, aid.size())), tlv(0x79, tlv(0x4F, aid_bytes(0, provider))),
                   tlv(0x50, label),
                   tlv(0xAC, join({tlv(0x80, Bytes{0x05}), tlv(0x80, Bytes{0x07}), tlv(0x80, Bytes{0x11}),
                                   tlv(0x80, Bytes{0x14}), tlv(0x06, Bytes{0})}))}));
}

Bytes Applet::chuid() const {
  const Bytes end = tlv(0xFE, {});
  Bytes content = chuid_fields(data_);
  content.resize(content.size() - end.size());
  return object(join({content, tlv(0x3E, data_.chuid_signature), end}));
}

Answer Applet::certificate(const KeySlot& slot, const Faults& faults) const {
  Bytes der = slot.certificate;
  if (&slot == &data_.authentication && !faults.foreign_certificate.empty()) der = faults.foreign_certificate;
  if (der.empty() || faults.no_certificate) return Sw::not_found;
  const bool packed = data_.gzip_certificates;
  const auto info = static_cast<std::uint8_t>(packed ? 1 : 0);
  return object(join({tlv(0x70, packed ? gzip(der) : der), tlv(0x71, Bytes{info}), tlv(0xFE, {})}));
}

Answer Applet::get_data(const Command& command, const Faults& faults) const {
  if (command.p1 != 0x3F || command.p2 != 0xFF) return Sw::wrong_p1_p2;
  const auto list = read_tlvs(command.data);
  if (!list || list->size() != 1 || list->front().first != 0x5C) return Sw::wrong_data;
  std::uint32_t tag = 0;
  if (list->front().second.size() > 3) return Sw::wrong_data;
  for (const std::uint8_t byte : list->front().second) tag = tag << 8 | byte;
  if (const auto odd = faults.objects.find(tag); odd != faults.objects.end()) return odd->second;
  switch (tag) {
    case 0x7E:
      return discovery_object(data_.global_pin);
    case 0x5FC107:
      return capability_container();
    case 0x5FC102:
      return chuid();
    case 0x5FC105:
      return certificate(data_.authentication, faults);
    case 0x5FC101:
      return certificate(data_.card_authentication, faults);
    default:
      return Sw::not_found;
  }
}

/// Compares a PIN or PUK and keeps its counter; nothing when it is right.
std::optional<Answer> Applet::check(BytesView given, std::string& reference, int& tries) {
  if (tries == 0) return Answer(Sw::blocked);
  const auto pin = read_pin(given);
  if (!pin) return Answer(Sw::wrong_data);  // no try is spent on what cannot be right
  const int before = tries;
  const bool right = *pin == reference;
  tries = right ? data_.max_tries : tries - 1;
  if (tries != before && !save()) {
    tries = before;
    return Answer(Sw::memory_failure);
  }
  if (!right) return Answer(Sw::tries, tries);
  return std::nullopt;
}

Answer Applet::verify(const Command& command, const Faults& faults) {
  if (command.p2 == puk_reference && command.data.empty() && faults.tells_unblocking_tries)
    return data_.puk_tries == 0 ? Answer(Sw::blocked) : Answer(Sw::tries, data_.puk_tries);
  if (command.p2 != (data_.global_pin ? global_pin_reference : pin_reference)) return Sw::no_such_reference;
  if (command.p1 == 0xFF && command.data.empty()) {
    verified_ = false;
    return Sw::ok;
  }
  if (command.p1 != 0) return Sw::wrong_p1_p2;
  if (command.data.empty()) {
    if (verified_) return Sw::ok;
    return data_.pin_tries == 0 ? Answer(Sw::blocked) : Answer(Sw::tries, data_.pin_tries);
  }
  if (faults.verify_always_ok) {
    verified_ = true;
    return Sw::ok;
  }
  const auto refused = check(command.data, data_.pin, data_.pin_tries);
  // A malformed PIN leaves the status as it was; a wrong one clears it (part 2, 3.2.1).
  if (refused) {
    if (refused->sw != static_cast<std::uint16_t>(Sw::wrong_data)) verified_ = false;
    return *refused;
  }
  verified_ = true;
  return Sw::ok;
}

Answer Applet::change_reference(const Command& command) {
  if (command.p1 != 0) return Sw::wrong_p1_p2;
  const bool puk = command.p2 == puk_reference;
  if (!puk && command.p2 != (data_.global_pin ? global_pin_reference : pin_reference))
    return Sw::no_such_reference;
  if (command.data.size() != 16) return Sw::wrong_length;
  std::string& reference = puk ? data_.puk : data_.pin;
  int& tries = puk ? data_.puk_tries : data_.pin_tries;
  if (tries == 0) return Sw::blocked;
  const auto fresh = read_pin(BytesView(command.data).subspan(8));
  if (!fresh) return Sw::wrong_data;
  if (const auto refused = check(BytesView(command.data).first(8), reference, tries)) {
    if (!puk && refused->sw != static_cast<std::uint16_t>(Sw::wrong_data)) verified_ = false;
    return *refused;
  }
  const std::string before = std::exchange(reference, *fresh);
  if (!save()) {
    reference = before;
    return Sw::memory_failure;
  }
  if (!puk) verified_ = true;
  return Sw::ok;
}

Answer Applet::reset_retry_counter(const Command& command) {
  if (command.p1 != 0) return Sw::wrong_p1_p2;
  if (command.p2 != pin_reference) return Sw::no_such_reference;
  if (command.data.size() != 16) return Sw::wrong_length;
  if (data_.puk_tries == 0) return Sw::blocked;
  const auto fresh = read_pin(BytesView(command.data).subspan(8));
  if (!fresh) return Sw::wrong_data;
  if (const auto refused = check(BytesView(command.data).first(8), data_.puk, data_.puk_tries))
    return *refused;
  const std::string before = std::exchange(data_.pin, *fresh);
  const int tries = std::exchange(data_.pin_tries, data_.max_tries);
  if (!save()) {
    data_.pin = before;
    data_.pin_tries = tries;
    return Sw::memory_failure;
  }
  return Sw::ok;  // the PIN is set, not verified (part 2, 3.2.3)
}

Answer Applet::general_authenticate(const Command& command, const Faults& faults) {
  const bool nine_a = command.p2 == 0x9A;
  if (!nine_a && command.p2 != 0x9E) return Sw::wrong_p1_p2;
  const KeySlot& slot = nine_a ? data_.authentication : data_.card_authentication;
  const auto& kind = facts_of(slot.kind);
  if (slot.private_key.empty() || command.p1 != kind.algorithm) return Sw::wrong_p1_p2;
  if (nine_a && !verified_) return Sw::security_status_not_satisfied;

  const auto outer = read_tlvs(command.data);
  if (!outer || outer->size() != 1 || outer->front().first != 0x7C) return Sw::wrong_data;
  const auto inner = read_tlvs(outer->front().second);
  if (!inner || inner->size() != 2) return Sw::wrong_data;
  // Signing is an empty response (82) asked for, and a challenge (81) given, in either order.
  const auto find = [&](std::uint8_t tag) {
    const auto found =
        std::find_if(inner->begin(), inner->end(), [&](const auto& part) { return part.first == tag; });
    return found == inner->end() ? nullptr : &found->second;
  };
  const Bytes* response = find(0x82);
  const Bytes* challenge = find(0x81);
  if (response == nullptr || challenge == nullptr || !response->empty()) return Sw::wrong_data;
  const bool fits =
      kind.rsa ? challenge->size() == kind.block : !challenge->empty() && challenge->size() <= kind.block;
  if (!fits) return Sw::wrong_data;
  const bool other = nine_a && !faults.sign_with.empty();
  const auto signature = sign_block(other ? faults.sign_with : slot.private_key, slot.kind, *challenge);
  if (!signature) return Sw::wrong_data;
  return tlv(0x7C, tlv(0x82, *signature));
}

}  // namespace cardgate::simcard
