// SPDX-License-Identifier: Apache-2.0
// Every limit on what a peer controls, in one place. Those in Limits can be changed in the config's `limits:`
// section.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/clock.hpp"
#include "register/credentials.hpp"

namespace cardgate::daemon {

// HTTP (fixed: no honest client comes near them).
inline constexpr std::size_t max_header_bytes = 16 * 1024;
inline constexpr std::size_t max_body_bytes = 64 * 1024;
inline constexpr std::size_t max_import_bytes = 256u << 20;  // admin socket only
inline constexpr std::size_t max_target_bytes = 2048;
inline constexpr std::size_t max_beside = 16;   // requests of one connection that are answered side by side
inline constexpr seconds request_deadline{10};  // from the first byte of a request to its last
inline constexpr seconds idle_connection_deadline{60};
inline constexpr seconds write_deadline{10};
inline constexpr seconds linger_deadline{2};       // for what a refused peer goes on sending
inline constexpr seconds event_comment_every{15};  // less than the patience of any proxy
inline constexpr seconds drain_deadline{5};
inline constexpr milliseconds drain_patience{500};  // at a stop, for a request that may be on its way

// Cards.
inline constexpr std::size_t max_readers = 32;  // at one time; pcscd itself serves 16
inline constexpr int max_failures_per_insertion = 2;
inline constexpr seconds longest_card_work{30};  // from the request for it to its refusal
inline constexpr seconds presence_deadline{5};   // for a card to show that it is genuine, which is no must
inline constexpr seconds unanswered_hold{20};    // a card that waits for a touch answers nothing for so long
// A card that could not be read is tried again after these, for as long as it is in.
inline constexpr std::array<milliseconds, 6> read_again_after{milliseconds(250), seconds(1),  seconds(2),
                                                              seconds(5),        seconds(15), seconds(30)};
inline constexpr std::size_t max_known_certificates = 4096;  // of cards seen before
inline constexpr seconds step_up_told_every{2};  // that a session's card and passcode are needed again
// Looking over everybody.
inline constexpr std::size_t register_page = 500;  // people, between looks at whether to stop
inline constexpr int max_forecast_days = 366;
inline constexpr std::size_t max_forecast_entries = 10'000;
inline constexpr std::chrono::days lapse_horizon{30};  // what people are told of beforehand
// Revocation answers.
inline constexpr std::size_t max_ocsp_answer_bytes = 64 * 1024;
inline constexpr seconds fetch_trouble_lasts{1800};     // while nothing more was asked
inline constexpr seconds ask_again_after{60};           // for what could not be fetched
inline constexpr milliseconds trust_files_settle{500};  // several files are put into place at once
inline constexpr seconds trust_files_longest{2};        // a list that revokes waits no longer for quiet

inline constexpr seconds vendor_deadline{20};  // for one answer of the helper for vendors' cards
// Names of accounts, before somebody has proved who they are, and after it: two queues, each with so many threads and places.
inline constexpr std::size_t account_lookup_threads = 2;
inline constexpr std::size_t max_account_lookups_waiting = 16;
inline constexpr std::size_t account_lookups_per_uid = 2;     // but for root, who asks for everybody
inline constexpr milliseconds account_lookup_patience{1500};  // less than PAM's own
inline constexpr seconds login_waits_for_card{3};             // for a card that was just put in to be read
inline constexpr seconds card_wait{5};                        // for a card that another program holds

// People's work.
inline constexpr std::size_t max_managers_in_token = 16;
inline constexpr std::size_t max_listed = 200;           // people, forms, removals in one page
inline constexpr std::size_t max_looked_through = 5000;  // people that a page passes over
inline constexpr std::size_t few_entries = 64;    // of a person, looked through on the service's own thread
inline constexpr double entries_per_request = 8;  // to look through so many costs as much as one request more
inline constexpr std::size_t max_refused_text = 128;  // of what a refused peer said, in the log
inline constexpr std::size_t max_shown_text = 64;     // of what a peer said, in the answer
inline constexpr std::size_t max_choices = 10;        // people shown where a name is not one person's
inline constexpr std::size_t names_per_person =
    50;  // to look at so many names takes as long as to read a person
// What waits for a disk (docs/operations.md, "When a disk is full").
inline constexpr std::size_t open_acts_bytes = 1UL
                                               << 20;  // taken in the state directory for acts that are begun
inline constexpr seconds write_owed_after{
    2};  // between two tries to write into the register what it could not take
inline constexpr seconds look_for_loans_again{60};  // where the cards on loan could not be read
inline constexpr seconds loan_clock_drift{60};      // so far may a loan have begun in the future
inline constexpr std::size_t max_guided =
    20'000;  // people and lists of documents that this process remembers

// Looking something up in the audit log.
inline constexpr std::size_t max_audit_page = 200;            // records; an answer has 4 MB at the most
inline constexpr std::uint64_t max_audit_read = 256U << 20U;  // bytes of the log, for one page
inline constexpr std::size_t max_audit_names = 500;           // looked up for one page
inline constexpr std::size_t max_attempts = 50;               // of one person, told to the help desk
inline constexpr std::size_t max_attempt_pages = 20;

// Downtime.
inline constexpr std::size_t max_open_downtime = 50;
inline constexpr std::size_t max_open_faults = 200;      // then people report no more; the service still does
inline constexpr std::size_t max_open_of_reporter = 20;  // of these
inline constexpr std::size_t max_reports = 6;            // of one user of the machine, in that time:
inline constexpr seconds reports_are_remembered{3600};
inline constexpr seconds look_for_troubles_every{10};
inline constexpr seconds trouble_counts_after{30};      // something that is wrong with the service is a fault
inline constexpr seconds trouble_over_after{300};       // and is put right when it was not seen for so long
inline constexpr std::size_t max_downtime_text = 500;   // bytes
inline constexpr seconds clock_may_slip{60};            // what was said up to so far ahead is not said again
inline constexpr seconds read_downtime_again{60};       // where it could not be read
inline constexpr std::size_t max_notices_in_hand = 16;  // on their way to the hook
inline constexpr seconds hook_deadline{5};              // to take one notice
inline constexpr std::size_t max_socket_path = 107;     // unix(7)
// Passwords. Each thread hashes one at a time and takes `passwords.memory` meanwhile; who finds the queue full is told to
// try again.
inline constexpr std::size_t password_threads = 2;
inline constexpr std::size_t max_passwords_waiting = 16;
inline constexpr std::size_t max_blocklist_bytes = 64U << 20U;
// SP 800-63B 5.2.2 allows no more than 100 failures in a row on one account.
inline constexpr reg::ThrottleRules password_throttle{.free_failures = 5,
                                                      .first_wait = seconds(30),
                                                      .longest_wait = std::chrono::minutes(15),
                                                      .uid_failures = 50,
                                                      .uid_period = std::chrono::hours(1),
                                                      .account_failures = 100,
                                                      .enrolments = 60,
                                                      .remembered = std::chrono::hours(24),
                                                      .marks = 10'000};

/// What the operator may tune. Defaults serve one ward's machine.
struct Limits {
  std::int64_t connections = 1024;
  std::int64_t connections_per_uid = 128;
  std::int64_t sessions = 64;
  std::int64_t tokens_per_session = 4096;
  std::int64_t requests_per_second = 500;  // per uid
  std::int64_t tokens_per_second = 50;     // per uid
  std::int64_t sign_ins_per_minute = 20;   // per uid
  std::int64_t listeners_per_uid = 16;
  std::int64_t listener_queue = 256;  // events; a slower listener is cut off
};

}  // namespace cardgate::daemon
