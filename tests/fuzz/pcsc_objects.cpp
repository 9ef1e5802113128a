// SPDX-License-Identifier: Apache-2.0
// The content of each data object of a PIV card by itself: CHUID, certificate container (plain and packed),
// Discovery Object; and what is unpacked from it.
#include <cstdlib>
#include <map>

#include "base/secret.hpp"
#include "pcsc/channel.hpp"
#include "pcsc/gzip.hpp"
#include "pcsc/piv.hpp"

using namespace cardgate;
namespace piv = cardgate::pcsc::piv;

namespace {

/// Gives the whole input as the answer to anything, in the pieces that the card chooses.
class OneObject final : public pcsc::CardChannel {
 public:
  explicit OneObject(BytesView object) : rest_(object) {}
  Result<Bytes> transmit(BytesView) override {
    const std::size_t count = std::min<std::size_t>(256, rest_.size());
    Bytes answer(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(count));
    rest_ = rest_.subspan(count);
    const bool more = !rest_.empty();
    answer.push_back(more ? 0x61 : 0x90);
    answer.push_back(0x00);
    return answer;
  }

 private:
  BytesView rest_;
};

class Memory final : public piv::CertificateMemory {
 public:
  std::optional<Bytes> recall(BytesView head) override {
    const auto found = kept_.find(Bytes(head.begin(), head.end()));
    return found == kept_.end() ? std::nullopt : std::optional(found->second);
  }
  void keep(BytesView head, const Bytes& certificate) override {
    kept_[Bytes(head.begin(), head.end())] = certificate;
  }

 private:
  std::map<Bytes, Bytes> kept_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  init_crypto();
  if (size < 1) return 0;
  const BytesView object(data + 1, size - 1);
  OneObject card(object);
  switch (data[0] % 4) {
    case 0: {
      const auto chuid = piv::read_chuid(card);
      if (chuid && chuid->card_uuid().size() != 36) std::abort();
      OneObject again(object);
      const auto whole = piv::read_signed_chuid(again);
      // What is signed is part of what was read, and says the same as its head.
      if (whole && whole->signed_content.size() + whole->signature.size() > object.size()) std::abort();
      if (whole && chuid && whole->chuid.guid != chuid->guid) std::abort();
      break;
    }
    case 1: {
      Memory memory;
      const auto first = piv::read_certificate(card, piv::Slot::authentication, memory);
      if (first && (first->empty() || first->size() > 16384)) std::abort();
      OneObject again(object);
      const auto second = piv::read_certificate(again, piv::Slot::authentication, memory);
      if (first.has_value() != second.has_value() || (first && *first != *second)) std::abort();
      break;
    }
    case 2:
      static_cast<void>(piv::pin_in_use(card));
      break;
    default:
      if (const auto unpacked = pcsc::gunzip(object, 4096); unpacked && unpacked->size() > 4096) std::abort();
  }
  return 0;
}
