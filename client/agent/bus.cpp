// SPDX-License-Identifier: Apache-2.0
#include "client/agent/bus.hpp"

#include <poll.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <memory>

namespace cardgate::agent {
namespace {

using BusDescriptor = boost::asio::posix::stream_descriptor;

constexpr seconds pause_between_attempts{5};

int on_bus_reply(sd_bus_message* message, void* userdata, sd_bus_error*) {
  const auto& done = *static_cast<Bus::OnReply*>(userdata);
  done(sd_bus_message_is_method_error(message, nullptr) > 0 ? nullptr : message);
  return 0;
}

int on_bus_signal(sd_bus_message* message, void* userdata, sd_bus_error*) {
  (*static_cast<std::function<void(sd_bus_message*)>*>(userdata))(message);
  return 0;
}

}  // namespace

Bus::Bus(boost::asio::io_context& io, Which which)
    : io_(io), which_(which), descriptor_(io), again_(io, [this] { connect(); }), timeout_(io, [this] {
        pump();
      }) {}

Bus::~Bus() {
  if (bus_ != nullptr) sd_bus_close_unref(bus_);
}

void Bus::start(std::function<void()> up, std::function<void()> down) {
  up_ = std::move(up);
  down_ = std::move(down);
  boost::asio::post(io_, [this] { connect(); });
}

void Bus::match(std::string rule, std::function<void(sd_bus_message*)> take) {
  matches_.push_back({std::move(rule), std::move(take)});
}

void Bus::connect() {
  const int opened = which_ == Which::system ? sd_bus_open_system(&bus_) : sd_bus_open_user(&bus_);
  int copy = -1;
  if (opened >= 0) copy = ::dup(sd_bus_get_fd(bus_));
  if (opened < 0 || copy < 0) {
    drop();
    return;
  }
  sd_bus_set_exit_on_disconnect(bus_, 0);
  descriptor_.assign(copy);
  for (auto& each : matches_)
    sd_bus_add_match_async(bus_, nullptr, each.rule.c_str(), on_bus_signal, nullptr, &each.take);
  up_();
  pump();
}

void Bus::drop() {
  if (bus_ != nullptr) sd_bus_close_unref(bus_);
  bus_ = nullptr;
  boost::system::error_code ignored;
  descriptor_.close(ignored);
  timeout_.set(std::nullopt);
  again_.set(BootClock::now() + pause_between_attempts);
  down_();
}

void Bus::call(const BusCall& what, const Fill& fill, OnReply done) {
  if (bus_ == nullptr) return done(nullptr);
  sd_bus_message* message = nullptr;
  int ready = sd_bus_message_new_method_call(bus_, &message, what.service, what.path.c_str(), what.interface,
                                             what.member);
  const std::unique_ptr<sd_bus_message, decltype(&sd_bus_message_unref)> owned(message,
                                                                               &sd_bus_message_unref);
  if (ready >= 0 && fill) ready = fill(message);
  if (ready < 0) return done(nullptr);
  auto held = std::make_unique<OnReply>(std::move(done));
  sd_bus_slot* slot = nullptr;
  if (sd_bus_call_async(bus_, &slot, message, on_bus_reply, held.get(), 0) < 0) return (*held)(nullptr);
  sd_bus_slot_set_destroy_callback(slot, [](void* userdata) { delete static_cast<OnReply*>(userdata); });
  (void)held.release();
  // The call lives until its answer, or as long as the connection.
  sd_bus_slot_set_floating(slot, 1);
  sd_bus_slot_unref(slot);
  boost::asio::post(io_, [this] { pump(); });
}

void Bus::pump() {
  if (bus_ == nullptr) return;
  int more = 1;
  while (more > 0) more = sd_bus_process(bus_, nullptr);
  if (more < 0) {
    drop();
    return;
  }
  arm();
}

void Bus::arm() {
  const int events = sd_bus_get_events(bus_);
  const auto on_ready = [this](bool& waiting) {
    return [this, &waiting](const boost::system::error_code& failure) {
      waiting = false;
      if (!failure) pump();
    };
  };
  if ((events & POLLIN) != 0 && !std::exchange(reading_, true))
    descriptor_.async_wait(BusDescriptor::wait_read, on_ready(reading_));
  if ((events & POLLOUT) != 0 && !std::exchange(writing_, true))
    descriptor_.async_wait(BusDescriptor::wait_write, on_ready(writing_));
  std::uint64_t until = UINT64_MAX;
  if (sd_bus_get_timeout(bus_, &until) < 0 || until == UINT64_MAX) {
    timeout_.set(std::nullopt);
    return;
  }
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const auto passed =
      static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
  timeout_.set(BootClock::now() + std::chrono::microseconds(until > passed ? until - passed : 0));
}

}  // namespace cardgate::agent
