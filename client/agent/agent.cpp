// SPDX-License-Identifier: Apache-2.0
#include "client/agent/agent.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <cerrno>
#include <map>
#include <variant>

#include "client/agent/attention.hpp"
#include "client/agent/login_session.hpp"
#include "client/agent/notifier.hpp"
#include "client/shared/members.hpp"
#include "client/shared/secrets.hpp"
#include "client/socket/waiting.hpp"

extern char** environ;

namespace cardgate::agent {
namespace {

constexpr milliseconds first_pause{200}, longest_pause{5000};  // between attempts to reach the service
constexpr milliseconds patience_for_look{10'000};
constexpr milliseconds patience_for_card{60'000};
constexpr milliseconds pause_before_look{1000};  // after a look that failed
constexpr milliseconds pause_before_ask{1000};   // while the user's agent on another display asks
constexpr int most_overtaken = 5;                // looks that newer events made stale, one after the other
constexpr std::size_t longest_puk = 8;           // what is longer is a code from the help desk

class Agent {
 public:
  explicit Agent(Settings settings);
  void run();

 private:
  void reap();
  void login_is_over();
  void follow();
  void on_event(const client::Event& event);
  void carry_out(Actions actions);
  void carry_out(const Action& action);
  void look();
  void look_over(Result<client::Reply> status, Result<client::Reply> sessions);
  bool may_ask();
  void ask(const Prompt& prompt);
  void send(const action::Send& what);
  void send_unblocking(const action::Send& what);
  void post(const std::string& target, Result<Secret> body);
  void ask_news(const std::string& session);
  void tell_screen(const action::TellScreen& what);
  void switch_user();
  void call(client::WaitingRequest request, milliseconds deadline,
            std::function<void(Result<client::Reply>)> done) {
    service_.call(std::move(request), deadline, std::move(done));
  }
  const Secret& typed(Prompt::Kind kind) { return typed_[kind]; }

  boost::asio::io_context io_{1};
  Settings settings_;
  Attention attention_;
  client::WaitingHttp service_;
  Pinentry pinentry_;
  Notifier notifier_;
  LoginSession login_;
  BootTimer deadline_, reconnect_, look_again_, ask_again_;
  boost::asio::signal_set signals_, children_;
  milliseconds pause_ = first_pause;
  bool told_away_ = false;  // that the service is not there
  bool looking_ = false, look_wanted_ = false;
  int overtaken_ = 0;
  std::map<Prompt::Kind, Secret> typed_;
  FileDescriptor asking_;  // held while a dialog is open
  pid_t switching_ = -1;
};

Agent::Agent(Settings settings)
    : settings_(std::move(settings)),
      attention_({settings_.can_ask, settings_.end_login, !settings_.switch_user.empty()}),
      service_(io_, settings_.socket),
      pinentry_(io_, settings_.pinentry),
      notifier_(io_, settings_.say),
      login_(io_, {[this](ScreenState state) { carry_out(attention_.screen(state, BootClock::now())); },
                   [this](bool other) { carry_out(attention_.unlocked(other)); },
                   [this](bool going) { carry_out(attention_.sleep(going, BootClock::now())); },
                   [this] { login_is_over(); }, settings_.say}),
      deadline_(io_, [this] { carry_out(attention_.tick(BootClock::now())); }),
      reconnect_(io_, [this] { follow(); }),
      look_again_(io_, [this] { look(); }),
      ask_again_(io_, [this] { carry_out(attention_.answered(Answer::closed, false, BootClock::now())); }),
      signals_(io_, SIGTERM, SIGINT, SIGHUP),
      children_(io_, SIGCHLD) {}

void Agent::run() {
  signals_.async_wait([this](const boost::system::error_code& failure, int) {
    if (!failure) io_.stop();
  });
  // Now that a signal ends it in order.
  if (!settings_.can_ask)
    settings_.say(
        "There is neither a display nor a terminal, so the agent asks for no passcode. It still locks "
        "the screen and tells what happens.");
  reap();
  notifier_.start();
  login_.start();
  follow();
  io_.run();
}

/// A plain desktop does not end what it has started, and the user's own services live on for a while.
void Agent::login_is_over() {
  if (!settings_.has_display) return;
  settings_.say("The login session of this desktop has ended, and the agent with it.");
  io_.stop();
}

/// The command of --switch-user, when it has ended. Dialogs are waited for where they are started.
void Agent::reap() {
  children_.async_wait([this](const boost::system::error_code& failure, int) {
    if (failure) return;
    if (switching_ > 0 && ::waitpid(switching_, nullptr, WNOHANG) == switching_) switching_ = -1;
    reap();
  });
}

void Agent::follow() {
  service_.listen(
      "/v1/events", [this](const client::Event& event) { on_event(event); },
      [this](const Error& why) {
        carry_out(attention_.disconnected(BootClock::now()));
        if (!std::exchange(told_away_, true))
          settings_.say("The service is not there: " + why.context + ". The agent waits for it.");
        reconnect_.set(BootClock::now() + pause_);
        pause_ = std::min(pause_ * 2, longest_pause);
      });
}

void Agent::on_event(const client::Event& event) {
  if (event.name == "open") {
    pause_ = first_pause;
    if (std::exchange(told_away_, false)) settings_.say("The service is back.");
    carry_out(attention_.connected());
    return;
  }
  const auto data = parse_json(event.data);
  const auto* object = data ? data->if_object() : nullptr;
  if (object == nullptr) return;  // of a later version
  using client::text_of;
  const ServiceEvent happened{event.name,
                              text_of(*object, "kind"),
                              text_of(*object, "reader"),
                              text_of(*object, "session"),
                              text_of(*object, "reason"),
                              text_of(*object, "text"),
                              text_of(*object, "for")};
  carry_out(attention_.happened(happened, BootClock::now()));
}

void Agent::carry_out(Actions actions) {
  for (const auto& each : actions) carry_out(each);
  deadline_.set(attention_.next_deadline());
}

void Agent::carry_out(const Action& action) {
  struct {
    Agent& agent;
    void operator()(const action::Ask& what) { agent.ask(what.prompt); }
    void operator()(const action::CloseDialog&) { agent.pinentry_.close(); }
    void operator()(const action::Send& what) { agent.send(what); }
    void operator()(const action::ForgetSecrets&) { agent.typed_.clear(); }
    void operator()(const action::Look&) { agent.look(); }
    void operator()(const action::AskNews& what) { agent.ask_news(what.session); }
    void operator()(const action::Lock&) { agent.login_.lock(); }
    void operator()(const action::EndLogin&) { agent.login_.end(); }
    void operator()(const action::LetSleep&) { agent.login_.let_sleep(); }
    void operator()(const action::SwitchUser&) { agent.switch_user(); }
    void operator()(const action::TellScreen& what) { agent.tell_screen(what); }
    void operator()(const action::Notify& what) { agent.notifier_.show(what); }
    void operator()(const action::Say& what) { agent.settings_.say(what.text); }
  } doing{*this};
  std::visit(doing, action);
}

/// What happens while the answers are on their way makes them stale: then it is asked again.
void Agent::look() {
  look_wanted_ = true;
  if (looking_) return;
  looking_ = true;
  look_wanted_ = false;
  look_again_.set(std::nullopt);
  call({.target = "/v1/status"}, patience_for_look, [this](Result<client::Reply> status) {
    call({.target = "/v1/sessions"}, patience_for_look,
         [this, status = std::move(status)](Result<client::Reply> sessions) mutable {
           look_over(std::move(status), std::move(sessions));
         });
  });
}

void Agent::look_over(Result<client::Reply> status, Result<client::Reply> sessions) {
  looking_ = false;
  const bool told = status && sessions && !status->refusal && !sessions->refusal;
  if (!told) {  // too many calls, or the service goes; then the stream ends too
    look_again_.set(BootClock::now() + pause_before_look);
    return;
  }
  if (look_wanted_ && ++overtaken_ < most_overtaken) {
    look();
    return;
  }
  overtaken_ = 0;
  const bool more = look_wanted_;
  const auto now = BootClock::now();
  carry_out(attention_.seen(read_seen(status->body, sessions->body, system_clock().wall(), now), now));
  if (more) look();
}

/// Whether no other agent of this user, on another display, asks at this moment.
bool Agent::may_ask() {
  const auto path = settings_.folder / "cardgate-agent.asking";
  asking_ = FileDescriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  return !asking_ || ::flock(asking_.get(), LOCK_EX | LOCK_NB) == 0;
}

void Agent::ask(const Prompt& prompt) {
  // A dialog that was not shown ends as one that was closed, and so it is asked again, with what is known by then.
  if (!may_ask()) {
    ask_again_.set(BootClock::now() + pause_before_ask);
    return;
  }
  pinentry_.ask(prompt, [this, kind = prompt.kind](Answer answer, Secret what) {
    asking_.reset();
    const bool same = kind == Prompt::Kind::new_passcode_again &&
                      typed_.contains(Prompt::Kind::new_passcode) &&
                      typed_[Prompt::Kind::new_passcode].text() == what.text();
    if (answer == Answer::given && kind != Prompt::Kind::confirm) typed_[kind] = std::move(what);
    carry_out(attention_.answered(answer, same, BootClock::now()));
  });
}

void Agent::send(const action::Send& what) {
  if (what.what == action::Send::What::unblock) {
    send_unblocking(what);
    return;
  }
  json::object members{
      {"reader", what.reader}, {"card", what.card}, {"tries_left", client::tries_json(what.tries_left)}};
  if (what.spend_last_try) members["spend_last_try"] = true;
  if (what.what == action::Send::What::change_passcode) {
    post("/v1/cards/" + client::percent_encode(what.card) + "/passcode",
         client::body_with_secrets(members, {{"passcode", &typed(Prompt::Kind::passcode)},
                                             {"new_passcode", &typed(Prompt::Kind::new_passcode)}}));
    return;
  }
  const auto target = what.what == action::Send::What::resume
                          ? "/v1/sessions/" + client::percent_encode(what.session) + "/resume"
                          : std::string("/v1/sessions");
  post(target, client::body_with_secrets(members, {{"passcode", &typed(Prompt::Kind::passcode)}}));
}

void Agent::send_unblocking(const action::Send& what) {
  const Secret& key = typed(Prompt::Kind::unblocking_key);
  const auto* member = key.size() > longest_puk ? "code" : "unblocking_key";
  post("/v1/cards/" + client::percent_encode(what.card) + "/unblock",
       client::body_with_secrets({{"reader", what.reader}},
                                 {{member, &key}, {"new_passcode", &typed(Prompt::Kind::new_passcode)}}));
}

void Agent::post(const std::string& target, Result<Secret> body) {
  typed_.clear();
  if (!body) {
    carry_out(attention_.sent({false, "passcode_format", body.error().context}));
    return;
  }
  call({"POST", target, std::move(*body)}, patience_for_card, [this](Result<client::Reply> reply) {
    Outcome outcome{.done = reply && !reply->refusal};
    if (!reply) {
      outcome.detail = reply.error().context + ".";
    } else if (reply->refusal) {
      outcome.error = reply->refusal->error;
      outcome.detail = reply->refusal->detail;
      outcome.blocked =
          reply->refusal->extra.contains("tries_left") && client::tries_of(reply->refusal->extra) == 0;
    }
    carry_out(attention_.sent(outcome));
  });
}

void Agent::ask_news(const std::string& session) {
  call({.target = client::with_query("/v1/access", {{"session", session}})}, patience_for_look,
       [this, session](Result<client::Reply> access) {
         call({.target = client::with_query("/v1/notices", {{"session", session}})}, patience_for_look,
              [this, session, access = std::move(access)](Result<client::Reply> notices) {
                const auto body = [](const Result<client::Reply>& reply) {
                  return reply && !reply->refusal ? reply->body : json::object();
                };
                carry_out(attention_.news(session, read_lapses(body(access)), read_notices(body(notices)),
                                          BootClock::now()));
              });
       });
}

void Agent::tell_screen(const action::TellScreen& what) {
  // An older service has no such call, and a session may have ended: neither is news.
  call({"PUT", "/v1/sessions/" + client::percent_encode(what.session) + "/screen",
        Secret(std::string_view(what.locked ? R"({"locked":true})" : R"({"locked":false})"))},
       patience_for_look, [](const Result<client::Reply>&) {});
}

void Agent::switch_user() {
  if (switching_ > 0) return;  // it still runs
  const char* shell = "/bin/sh";
  std::string command = settings_.switch_user;
  std::string words[] = {"sh", "-c"};
  char* argv[] = {words[0].data(), words[1].data(), command.data(), nullptr};
  posix_spawnattr_t how;
  if (::posix_spawnattr_init(&how) != 0) return;
  sigset_t none;
  sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&how, &none);
  ::posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK);
  if (::posix_spawn(&switching_, shell, nullptr, &how, argv, environ) != 0)
    settings_.say("The command of --switch-user could not be started.");
  ::posix_spawnattr_destroy(&how);
}

}  // namespace

Result<FileDescriptor> claim_display(const std::filesystem::path& folder, const std::string& display) {
  std::string name = "cardgate-agent";
  for (const char c : display.empty() ? std::string() : "-" + display) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    name.push_back(plain ? c : '_');
  }
  const auto path = folder / (name + ".lock");
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return errno_error(path.native(), errno);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return Error{Errc::already_exists, "an agent already runs for this desktop"};
    return errno_error(path.native(), errno);
  }
  return file;
}

void run(Settings settings) {
  client::forbid_dumps();
  Agent(std::move(settings)).run();
}

}  // namespace cardgate::agent
