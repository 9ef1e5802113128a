// SPDX-License-Identifier: Apache-2.0
// Server-sent events (HTML Living Standard 9.2.6), a line at a time.
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "client/library/reading.hpp"
#include "client/library/state.hpp"

namespace cardgate::inline v0 {
namespace {

constexpr std::size_t max_event_bytes = 64 * 1024;
constexpr std::int64_t shortest_pause_ms = 250;  // between two connections
constexpr std::int64_t longest_pause_ms = 5'000;

Error watch_error(Errc code, std::string text) {
  Error error;
  error.code = code;
  error.text = std::move(text);
  return error;
}

}  // namespace

struct Watch::State {
  explicit State(const Client& of) : client(of), stop(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    connection.end_by(stop);
  }
  ~State() {
    if (stop >= 0) ::close(stop);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  bool stopped() const;
  /// Waits, until `until_ms` at the most, for the time to connect again. True: it has come.
  Result<bool> wait_for_turn(std::int64_t until_ms) const;
  Result<Event> connect(std::int64_t until_ms);
  /// The next whole event of what has come, if there is one.
  std::optional<Event> take();
  Error lost(Error why);

  Client client;
  int stop;
  inside::Connection connection;
  std::string name, data;  // of the event that is being read
  bool has_data = false;
  std::int64_t heard_ms = 0;
  std::int64_t next_try_ms = 0;
  std::int64_t pause_ms = shortest_pause_ms;
};

bool Watch::State::stopped() const {
  pollfd entry{stop, POLLIN, 0};
  return stop < 0 || ::poll(&entry, 1, 0) > 0;
}

Result<bool> Watch::State::wait_for_turn(std::int64_t until_ms) const {
  for (auto now = inside::boot_ms(); now < next_try_ms; now = inside::boot_ms()) {
    if (now >= until_ms) return watch_error(Errc::timeout, "Nothing happened.");
    pollfd entry{stop, POLLIN, 0};
    const auto ms = std::min<std::int64_t>({next_try_ms - now, until_ms - now, 1000});
    if (::poll(&entry, 1, static_cast<int>(ms)) > 0) return watch_error(Errc::stopped, "It was stopped.");
  }
  return true;
}

Error Watch::State::lost(Error why) {
  connection.close();
  if (why.code == Errc::stopped) return why;
  name.clear();
  data.clear();
  has_data = false;
  next_try_ms = inside::boot_ms() +
                std::max<std::int64_t>(pause_ms, std::chrono::milliseconds(why.retry_after).count());
  pause_ms = std::min(pause_ms * 2, longest_pause_ms);
  // A deadline that passed while connecting is not "nothing happened".
  if (why.code == Errc::timeout) why.code = Errc::not_reachable;
  return why;
}

Result<Event> Watch::State::connect(std::int64_t until_ms) {
  const Options& options = client.state_->options;
  if (auto turn = wait_for_turn(until_ms); !turn) return turn.error();
  const auto until = inside::boot_ms() + options.deadline.count();
  inside::Request request;
  request.target = "/v1/events";
  auto head = connection.ask(options.socket, request, until);
  if (!head) return lost(head.error());
  if (head->status != 200) {
    auto body = connection.read_body(*head, until);
    return lost(body ? inside::refusal(*head, connection.body().view()) : body.error());
  }
  if (head->field("content-type").substr(0, 17) != "text/event-stream")
    return lost(watch_error(Errc::bad_answer, "What answered is not cardgate, or another version of it."));
  heard_ms = inside::boot_ms();
  Event event;
  event.what = Event::What::watching;
  return event;
}

std::optional<Event> Watch::State::take() {
  inside::Wiped& in = connection.body();
  for (;;) {
    const auto end = in.view().find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    std::string_view line = in.view().substr(0, end);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    std::optional<Event> event;
    if (line.empty()) {
      if (has_data) event = inside::read_event(name, data);
      name.clear();
      data.clear();
      has_data = false;
    } else {
      const auto colon = line.find(':');
      const auto field = line.substr(0, colon);
      auto value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
      if (!value.empty() && value.front() == ' ') value.remove_prefix(1);
      if (field == "event") name = value;
      if (field == "data") {
        if (has_data) data += '\n';
        data += value;
        has_data = true;
      }
    }
    in.drop(end + 1);
    if (event) {
      pause_ms = shortest_pause_ms;  // a service that says something is well
      return event;
    }
  }
}

Watch::Watch(const Client& client) : state_(std::make_unique<State>(client)) {}
Watch::Watch(Watch&&) noexcept = default;
Watch& Watch::operator=(Watch&&) noexcept = default;
Watch::~Watch() = default;

Result<Event> Watch::next(std::chrono::milliseconds patience) {
  State& state = *state_;
  const auto until = inside::boot_ms() + patience.count();
  if (state.stopped()) return watch_error(Errc::stopped, "It was stopped.");
  if (state.connection.descriptor() < 0) return state.connect(until);
  const auto silence = state.client.state_->options.silence.count();
  for (;;) {
    if (auto event = state.take()) return *std::move(event);
    if (state.connection.body().view().size() + state.data.size() > max_event_bytes)
      return state.lost(watch_error(Errc::bad_answer, "cardgate sent an event that is too large."));
    auto more = state.connection.read_some(std::min(until, state.heard_ms + silence));
    if (more && *more) {
      state.heard_ms = inside::boot_ms();
      continue;
    }
    if (more) return state.lost(watch_error(Errc::not_reachable, "cardgate has ended the connection."));
    if (more.error().code == Errc::timeout && inside::boot_ms() < state.heard_ms + silence)
      return watch_error(Errc::timeout, "Nothing happened.");
    if (more.error().code == Errc::timeout)
      return state.lost(watch_error(Errc::not_reachable, "cardgate has not been heard for a time."));
    return state.lost(more.error());
  }
}

int Watch::descriptor() const noexcept {
  return state_->connection.descriptor();
}

void Watch::stop() noexcept {
  const std::uint64_t one = 1;
  if (::write(state_->stop, &one, sizeof one) != sizeof one) return;  // it was stopped before
}

}  // namespace cardgate::inline v0
