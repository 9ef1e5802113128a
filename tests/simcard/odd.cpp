// SPDX-License-Identifier: Apache-2.0
#include "tests/simcard/odd.hpp"

#include <algorithm>
#include <memory>

#include "tests/simcard/tlv.hpp"

namespace cardgate::simcard::odd {
namespace {

constexpr std::uint8_t select_command = 0xA4;
constexpr std::uint8_t get_data_command = 0xCB;
constexpr std::uint8_t verify_command = 0x20;
constexpr std::uint8_t change_command = 0x24;
constexpr std::uint8_t unblock_command = 0x2C;
constexpr std::uint8_t sign_command = 0x87;
constexpr std::uint8_t log_out = 0xFF;

Bytes word(std::uint16_t sw) {
  return {static_cast<std::uint8_t>(sw >> 8), static_cast<std::uint8_t>(sw)};
}
bool is(BytesView apdu, std::uint8_t ins) {
  return apdu.size() >= 4 && apdu[1] == ins;
}
/// Without a passcode: in either form.
bool is_empty_verify(BytesView apdu) {
  return is(apdu, verify_command) && (apdu.size() == 4 || (apdu.size() == 5 && apdu[4] == 0));
}
bool is_passcode(BytesView apdu) {
  return is(apdu, verify_command) && apdu.size() > 5;
}
std::uint16_t sw_of(const Bytes& answer) {
  return answer.size() < 2 ? std::uint16_t{0}
                           : static_cast<std::uint16_t>(answer[answer.size() - 2] << 8 | answer.back());
}

Faults answering(std::function<std::optional<Bytes>(BytesView apdu)> intercept) {
  Faults faults;
  faults.intercept = std::move(intercept);
  return faults;
}
Faults altering(std::function<Bytes(BytesView apdu, Bytes answer)> alter) {
  Faults faults;
  faults.alter = std::move(alter);
  return faults;
}
/// Every command for which `which` holds is answered with `sw`.
Faults refusing(std::function<bool(BytesView apdu)> which, std::uint16_t sw) {
  return answering([which = std::move(which), sw](BytesView apdu) -> std::optional<Bytes> {
    if (!which(apdu)) return std::nullopt;
    return word(sw);
  });
}

/// The last APDU of a GENERAL AUTHENTICATE with this key.
bool is_signing(BytesView apdu, std::uint8_t key) {
  return is(apdu, sign_command) && apdu[0] == 0 && apdu[3] == key;
}

Bytes without_zeros(Bytes number) {
  while (number.size() > 1 && number.front() == 0) number.erase(number.begin());
  return number;
}

}  // namespace

Faults both(Faults one, Faults other) {
  if (one.intercept && other.intercept) {
    one.intercept = [first = std::move(one.intercept), second = std::move(other.intercept)](BytesView apdu) {
      auto answer = first(apdu);
      return answer ? answer : second(apdu);
    };
  } else if (other.intercept) {
    one.intercept = std::move(other.intercept);
  }
  if (one.alter && other.alter) {
    one.alter = [first = std::move(one.alter), second = std::move(other.alter)](
                    BytesView apdu, Bytes answer) { return second(apdu, first(apdu, std::move(answer))); };
  } else if (other.alter) {
    one.alter = std::move(other.alter);
  }
  one.objects.merge(other.objects);
  one.tells_unblocking_tries = one.tells_unblocking_tries || other.tells_unblocking_tries;
  return one;
}

Faults select_answered(Bytes data) {
  const Bytes ok = word(0x9000);
  data.insert(data.end(), ok.begin(), ok.end());
  return altering([data = std::move(data)](BytesView apdu, Bytes answer) {
    return is(apdu, select_command) ? data : answer;
  });
}

Faults object_refused(std::uint32_t object, std::uint16_t sw) {
  const Bytes tag{static_cast<std::uint8_t>(object >> 16), static_cast<std::uint8_t>(object >> 8),
                  static_cast<std::uint8_t>(object)};
  const Bytes list = tlv(0x5C, object > 0xFF ? tag : Bytes{tag.back()});
  return refusing(
      [list](BytesView apdu) {
        return is(apdu, get_data_command) && apdu.size() >= 5 + list.size() &&
               std::equal(list.begin(), list.end(), apdu.begin() + 5);
      },
      sw);
}

Faults certificate_shaped(std::uint32_t object, const Bytes& der,
                          const std::function<Bytes(const Bytes& der)>& shape) {
  Faults faults;
  faults.objects[object] = tlv(0x53, shape(der));
  return faults;
}

Faults tries_told_as_630x() {
  return altering([](BytesView apdu, Bytes answer) {
    if (is(apdu, verify_command) && (sw_of(answer) & 0xFFF0) == 0x63C0) answer.back() &= 0x0F;
    return answer;
  });
}

Faults empty_verify_answered(std::uint16_t sw) {
  return refusing(is_empty_verify, sw);
}

Faults wants_a_length_of_zero() {
  return refusing([](BytesView apdu) { return is(apdu, verify_command) && apdu.size() == 4; }, 0x6700);
}

Faults state_outlives_resets(bool forgets) {
  const auto unlocked = std::make_shared<bool>(true);
  Faults faults = answering([unlocked, forgets](BytesView apdu) -> std::optional<Bytes> {
    if (!is_empty_verify(apdu)) return std::nullopt;
    if (apdu[2] == log_out) {
      if (forgets) *unlocked = false;
      return word(0x9000);
    }
    return *unlocked ? std::optional(word(0x9000)) : std::nullopt;
  });
  faults.alter = [unlocked](BytesView apdu, Bytes answer) {
    if (is_passcode(apdu)) *unlocked = sw_of(answer) == 0x9000;
    return answer;
  };
  return faults;
}

Faults wrong_passcode_answered(std::uint16_t sw) {
  return altering([sw](BytesView apdu, Bytes answer) {
    const bool refused = (sw_of(answer) & 0xFFF0) == 0x63C0 || sw_of(answer) == 0x6983;
    return is_passcode(apdu) && refused ? word(sw) : answer;
  });
}

Faults passcode_refused(std::uint16_t sw) {
  return refusing(is_passcode, sw);
}

Faults new_passcode_refused(std::uint16_t sw) {
  return refusing([](BytesView apdu) { return is(apdu, change_command) || is(apdu, unblock_command); }, sw);
}

Faults key_answers(std::uint8_t key, std::uint16_t sw) {
  return refusing([key](BytesView apdu) { return is_signing(apdu, key); }, sw);
}

Faults key_waits(std::uint8_t key, std::shared_future<void> touched) {
  return answering([key, touched = std::move(touched)](BytesView apdu) -> std::optional<Bytes> {
    if (!is_signing(apdu, key)) return std::nullopt;
    touched.wait();
    return word(0x6982);
  });
}

Faults signature_shaped(const std::function<Bytes(const Bytes& r, const Bytes& s)>& shape) {
  return altering([shape](BytesView apdu, Bytes answer) {
    if (!is(apdu, sign_command) || sw_of(answer) != 0x9000) return answer;
    answer.resize(answer.size() - 2);
    Bytes inner = answer;
    // 7C {82 {30 {02 r, 02 s}}}
    for (int level = 0; level < 3; ++level) inner = read_tlvs(inner)->front().second;
    const auto numbers = read_tlvs(inner);
    const Bytes shaped = shape(without_zeros(numbers->at(0).second), without_zeros(numbers->at(1).second));
    return join({tlv(0x7C, tlv(0x82, shaped)), word(0x9000)});
  });
}

Bytes integer(const Bytes& number, std::size_t zeros) {
  Bytes value(zeros, 0);
  value.insert(value.end(), number.begin(), number.end());
  return tlv(0x02, value);
}

}  // namespace cardgate::simcard::odd
