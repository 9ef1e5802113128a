// SPDX-License-Identifier: Apache-2.0
// Oddities of real PIV cards, for Card::set_faults(): each alone, or several with both(). What stands in a data object
// is Faults::objects. All are good cards with a good key, unless a name says otherwise.
#pragma once

#include <functional>
#include <future>

#include "tests/simcard/card.hpp"

namespace cardgate::simcard::odd {

/// Both at once; where both answer a command, the first does.
Faults both(Faults one, Faults other);

/// SELECT is answered with these bytes and 9000.
Faults select_answered(Bytes data);
/// GET DATA of this object is refused with `sw`.
Faults object_refused(std::uint32_t object, std::uint16_t sw);
/// A certificate object as the card has it, made anew: `shape` gets the DER and gives the content of 53.
Faults certificate_shaped(std::uint32_t object, const Bytes& der,
                          const std::function<Bytes(const Bytes& der)>& shape);

/// The tries left are told as 63 0X instead of 63 CX, by the empty VERIFY and by a wrong passcode.
Faults tries_told_as_630x();
/// The empty VERIFY is answered with `sw`.
Faults empty_verify_answered(std::uint16_t sw);
/// The empty VERIFY wants to read that the length is 0: 6700 without it.
Faults wants_a_length_of_zero();
/// The passcode's state outlives resets, as if somebody had left the card unlocked, until it is told to forget it
/// (VERIFY with P1 FF). `forgets`: false never does.
Faults state_outlives_resets(bool forgets = true);
/// A wrong passcode, or one on a blocked card, is counted as ever and answered with `sw`.
Faults wrong_passcode_answered(std::uint16_t sw);
/// Every VERIFY with a passcode is answered with `sw`, which the card does not count.
Faults passcode_refused(std::uint16_t sw);
/// The same for CHANGE REFERENCE DATA and RESET RETRY COUNTER.
Faults new_passcode_refused(std::uint16_t sw);

/// GENERAL AUTHENTICATE with this key is answered with `sw`.
Faults key_answers(std::uint8_t key, std::uint16_t sw);
/// The key waits for a touch: it answers 6982 when `touched` is ready.
Faults key_waits(std::uint8_t key, std::shared_future<void> touched);
/// An ECDSA signature is written in another way: `shape` gets r and s without leading zeros.
Faults signature_shaped(const std::function<Bytes(const Bytes& r, const Bytes& s)>& shape);
/// INTEGER of `number` behind `zeros` zeros, needed or not.
Bytes integer(const Bytes& number, std::size_t zeros);

}  // namespace cardgate::simcard::odd
