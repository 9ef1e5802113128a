// SPDX-License-Identifier: Apache-2.0
// The gate: where the rooms meet. It holds the service's state on one thread and answers requests; what is
// blocking (cards, the log's disk, large imports) runs elsewhere and comes back as an event.
//
//   gate.cpp          start, drain, what every answer needs (rights, rates, audit)
//   gate_reload.cpp   the configuration taken over while the service runs
//   gate_cards.cpp    events of readers and time -> sessions -> audit, listeners
//   gate_review.cpp   what sessions stand on, looked at again; answers about certificates; trust files
//   gate_sign_in.cpp  POST /v1/sessions and resume
//   gate_password.cpp sign-in, resume, change and reset by password, and what every check of one shares
//   gate_enrolment.cpp  from a person's particulars and the help desk's code to a first password
//   gate_card_use.cpp POST /v1/cards/ID/passcode and unblock, and what every use of a passcode shares
//   gate_tokens.cpp   token, introspect, revoke, verify, jwks
//   gate_views.cpp    status, events, sessions, access, metrics
//   gate_policy.cpp   explain, forecast
//   gate_import.cpp   a staff file taken over, and how far it is
//   gate_register.cpp the register's file: backup, restore, check
//   gate_certificate.cpp  whom a card stands for, and explaining that
//   gate_work.cpp     people's work: who may do what with whom, and carrying it out durably
//   gate_takings.cpp  what only takes access away: in force at once, whatever becomes of log and register
//   gate_forms.cpp, gate_delegations.cpp, gate_removals.cpp, gate_staff.cpp   the acts (the rules: work/rules.hpp)
//   gate_people.cpp   what may be seen of others: team, staff, records
//   gate_named.cpp    whom a request means by a name
//   gate_setup.cpp    the first members of the team; breaking the glass
//   gate_notices.cpp  what people are told
//   routes.cpp        the table of what may be asked
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "audit/log.hpp"
#include "daemon/access/peer.hpp"
#include "daemon/access/rates.hpp"
#include "daemon/cards/readers.hpp"
#include "daemon/http/message.hpp"
#include "daemon/people/dear_calls.hpp"
#include "daemon/people/forecast.hpp"
#include "daemon/people/meanwhile.hpp"
#include "daemon/people/open_acts.hpp"
#include "daemon/people/passwords.hpp"
#include "daemon/people/people_count.hpp"
#include "daemon/people/people_lists.hpp"
#include "daemon/people/people_view.hpp"
#include "daemon/people/register_threads.hpp"
#include "daemon/raised.hpp"
#include "daemon/record/durable.hpp"
#include "daemon/record/looks.hpp"
#include "daemon/record/metrics.hpp"
#include "daemon/record/refusals.hpp"
#include "daemon/rules/config.hpp"
#include "daemon/rules/configuration_in_use.hpp"
#include "daemon/rules/password_rules.hpp"
#include "daemon/rules/trust_readings.hpp"
#include "daemon/rules/turns.hpp"
#include "daemon/sessions/events.hpp"
#include "daemon/sessions/sessions.hpp"
#include "daemon/time/wall_guard.hpp"
#include "daemon/work/facts.hpp"
#include "daemon/work/right.hpp"
#include "daemon/work/rules.hpp"
#include "policy/decide.hpp"
#include "proto/messages.hpp"
#include "proto/token.hpp"
#include "register/credentials.hpp"
#include "register/register.hpp"
#include "register/upkeep.hpp"

namespace cardgate::daemon {

class Gate {
 public:
  using Answer = boost::asio::awaitable<Response>;

  /// Everything a start needs, checked before it begins.
  struct Parts {
    Config config;
    std::shared_ptr<const policy::Policy> policy;
    std::shared_ptr<const Judge> judge;
    std::unique_ptr<reg::Register> staff;   // for look-ups
    std::unique_ptr<reg::Register> writer;  // for changes: a second connection to the same file
    std::unique_ptr<audit::Log> log;
    SigningKey key;
    std::unique_ptr<reg::Credentials> credentials;
    std::shared_ptr<const PasswordRules> password_rules;
    ConfigurationInUse in_use;
    std::vector<std::string> told_at_start;  // what people should know until the next start
  };
  Gate(boost::asio::io_context& io, const Clock& clock, Parts parts);
  ~Gate();

  void start();
  /// Takes over configuration, policy and authorities whole, or changes nothing, and says so to systemd and the journal. One
  /// after the other. Errors: as load_settings(); config_invalid for what only a restart takes over; cancelled.
  boost::asio::awaitable<Result<void>> reload();
  /// Called after each reload: trust_paths() may be others.
  std::function<void()> on_trust_paths;
  /// Something in the folders of `trust_paths()` is not as it was.
  void trust_files_changed();
  std::vector<std::filesystem::path> trust_paths() const;
  /// Ends all sessions and says so; requests are answered 503 from here on.
  void shut_down();
  /// The wall clock was set (timerfd's TFD_TIMER_CANCEL_ON_SET).
  void clock_was_set();
  /// Time passed: what is over ends. Called by the boot-time timer.
  void tick();
  std::optional<BootTime> next_deadline();
  /// Called whenever next_deadline() may have changed.
  std::function<void()> on_deadline_changed;

  const Limits& limits() const { return config_.limits; }
  std::function<std::size_t()> connections;  // for the metrics
  /// Whether this user has a session or the program an entry in `clients`: a share of the connections is theirs.
  bool knows(const Peer& peer) const;

  // --- the calls (routes.cpp names them) ---
  Answer status(Request&);
  Answer events(Request&);
  Answer sign_in(Request&);
  Answer resume(Request&, const std::string& id);
  Answer change_password(Request&);
  Answer reset_password(Request&);
  Answer enrol(Request&);
  Answer make_code(Request&);
  Answer activate(Request&);
  Answer change_passcode(Request&, const std::string& id);
  Answer unblock_card(Request&, const std::string& id);
  Answer list_sessions(Request&);
  Answer show_session(Request&, const std::string& id);
  Answer end_session(Request&, const std::string& id);
  Answer token(Request&);
  Answer introspect(Request&);
  Answer revoke(Request&);
  Answer verify(Request&);
  Answer jwks(Request&);
  Answer access(Request&);
  Answer metrics(Request&);
  Answer openapi(Request&);
  Answer import_staff(Request&);
  Answer import_progress(Request&);
  Answer show_register(Request&);
  Answer check_register(Request&);
  Answer back_up_register(Request&);
  Answer restore_register(Request&);
  Answer explain_policy(Request&);
  Answer forecast_policy(Request&);
  Answer explain_certificate(Request&);

  Answer list_forms(Request&);
  Answer submit_form(Request&);
  Answer verify_form(Request&, const std::string& id);
  Answer approve_form(Request&, const std::string& id);
  Answer reject_form(Request&, const std::string& id);
  Answer withdraw_form(Request&, const std::string& id);
  Answer renew_form(Request&, const std::string& id);
  Answer list_declarations(Request&);
  Answer sign_declaration(Request&);
  Answer list_training(Request&);
  Answer record_training(Request&);
  Answer list_delegations(Request&);
  Answer give_delegation(Request&);
  Answer revoke_delegation(Request&, const std::string& id);
  Answer appoint_acting(Request&);
  Answer end_acting(Request&, const std::string& id);
  Answer list_removals(Request&);
  Answer request_removal(Request&);
  Answer do_removal(Request&, const std::string& id);
  Answer decline_removal(Request&, const std::string& id);
  Answer restore_access(Request&);
  Answer restore_removal(Request&, const std::string& id);
  Answer change_staff(Request&, const std::string& id);
  Answer change_card(Request&, const std::string& id);
  Answer show_staff(Request&, const std::string& id);
  Answer list_staff(Request&);
  Answer team(Request&);
  Answer record_allowed(Request&, const std::string& id);
  Answer set_up(Request&);
  Answer reload_now(Request&);
  Answer list_notices(Request&);
  Answer drop_notice(Request&, const std::string& id);

  bool shutting_down() const { return shutting_down_; }
  bool allow_request(const Peer& peer) { return request_rate_.allow(peer.counted_as, clock_.boot()); }
  void count(std::string_view metric, std::string_view label = {}) { metrics_.add(metric, label); }

 private:
  // gate_reload.cpp
  boost::asio::awaitable<Result<void>> take_settings();

  // gate.cpp
  /// A record of what is done, which nobody waits for: kept when the log cannot be written.
  void note(audit::Record record);
  /// `record.reason` is a fixed word; what the peer said stands in the role or the details, and is cut (refusals.hpp).
  void refuse(const Peer& peer, audit::Record record);
  /// Records what was only counted and is due: refusals and looks.
  void flush_counts();
  bool look_at_clock();
  WallTime now() { return wall_.now(); }
  /// Until what was noted is on record, or kept where the log cannot be written: before an answer says that it was done.
  boost::asio::awaitable<void> noted();
  /// Asking makes a failed log try its disk again.
  bool audit_ok();
  /// 503; the log goes on by itself when the disk has room again.
  Response audit_unavailable();
  const ClientEntry* client_for(const Peer& peer, const auto& right) const {
    for (const auto& client : config_.clients) {
      if (fits(client.match, peer) && right(client)) return &client;
    }
    return nullptr;
  }
  bool may_sign_in_at(const Peer& peer, const std::string& reader) const;

  // gate_cards.cpp
  void apply(Actions actions);
  void on_card_read(const std::string& reader);
  void on_card_twice(const std::string& reader, const std::string& other, const std::string& card);
  void tell_of_session(const std::string& id, std::string_view event, std::string_view kind,
                       std::string_view reason);
  void on_card_removed(const std::string& reader, std::uint64_t insertion);
  void on_service(bool up, const std::string& problem);
  void publish_card(std::string_view kind, const std::string& reader);

  // gate_review.cpp
  void review(const std::string& session);
  void review_all();
  void end_removed();
  std::optional<BootTime> boot_time_of(WallTime when);
  void watch_certificate(const std::string& session, const trust::Verdict& verdict, WallTime judged_at);
  void refresh(const Bytes& certificate, bool anew);
  void take_over(trust::Authorities authorities, CardRules cards);
  /// What was found of the card in this reader, anew by what is known now.
  void judge_card(const std::string& reader);
  void trust_files_read(Result<trust::Authorities> loaded);

  // gate_sign_in.cpp
  struct Person {
    reg::Person record;
    policy::Facts facts;
  };
  Result<Person*> person(const std::string& id);
  /// The person on file, without what is taken from them as soon as that is decided. Errors: as Register::person().
  Result<reg::Person> record_of(const std::string& id);
  RecordOf records();
  /// The person's facts as they stand for this card; valid until the next call or change of the register.
  Result<const policy::Facts*> facts_for(const Session& session);
  struct CardUse {
    const Peer& peer;
    std::string_view refused_event;  // what a refusal is called in the audit
    std::string reader;
    std::string person;              // when known
    bool by_unblocking_key = false;  // not by the passcode
  };
  /// A card that was registered by hand: does its certificate say the name that was looked at then?
  std::optional<Response> refuse_card_name(const CardUse& use, const CardFacts& card,
                                           const reg::Person& holder);
  /// What is missing, for the person; with what they must hear of their other cards.
  Response access_denied(const policy::Decision& standing, const reg::Person& holder,
                         const std::string& card);
  boost::asio::awaitable<Response> sign_in_with(Request& request, proto::SignIn ask,
                                                const std::string& resume_id);
  json::object session_json(const Session& session);
  /// Takes the place of a session that is about to be recorded; a refusal when there is none.
  std::optional<Response> refuse_opening(const Peer& peer, const Session& session);
  /// After its record: it was not opened (or resumed) in the end.
  void note_not_opened(const Peer& peer, const std::string& person, const std::string& session,
                       std::string_view reason);
  /// When it ends and is looked at again, and what its person is told.
  void begin_times(Session& session, const policy::Decision& standing);

  // gate_password.cpp
  /// One user name and one secret, before and after they were compared.
  struct PasswordUse {
    reg::CredentialKind kind;
    std::string_view refused_event;  // what a refusal is called in the audit
    std::string username;
    Passwords::Typed typed;
  };
  struct CheckedPassword {
    std::optional<Response> refusal;
    reg::Credential credential;
  };
  /// May this peer sign people in? A reload may have taken it away since it was asked before.
  std::optional<Response> refuse_client(const Peer& peer, std::string_view event,
                                        const std::string& who = {});
  /// May this peer sign people in, and is there room for one more try?
  std::optional<Response> refuse_typing(const Peer& peer, std::string_view event);
  boost::asio::awaitable<CheckedPassword> check_password(const Peer& peer, PasswordUse use);
  /// After a right password: why the person may not have a session all the same.
  std::optional<Response> refuse_standing(const Peer& peer, std::string_view event,
                                          const policy::Decision& standing, const std::string& who);
  /// The same, by what is on record now.
  std::optional<Response> refuse_password_holder(const Peer& peer, std::string_view event,
                                                 const std::string& who);
  Response refuse_password(const Peer& peer, std::string_view event, Response answer, std::string_view reason,
                           const std::string& who = {});
  boost::asio::awaitable<Response> sign_in_by_password(Request& request, proto::PasswordSignIn ask,
                                                       const std::string& resume_id);
  /// Why it may not be this person's password.
  std::optional<Response> refuse_new_password(const Secret& wanted, const reg::Person& who);
  Response throttled(seconds wait);
  Response busy_with_passwords();

  // gate_work.cpp
  /// Who asks, signed in by card, and under which role they do it.
  struct Actor {
    std::string person, session, client;
    std::string card;
    std::string card_by;         // who registered that card, by hand; empty: a staff file brought it
    bool by_one_person = false;  // and nobody else stands for it
    std::string role;            // the first role that lets them; empty: as themselves
    std::string manager;  // line_manager_of(): the subject's line manager, who they are or stand in for
    std::optional<policy::Act> act;  // what that role lets them do
    std::string subject;             // with whom; empty: nobody in particular
    std::optional<Response> refusal;
    std::string why;  // of a refusal that is recorded, in fixed words
    Reach reach;      // whose records the act may be done with
  };
  Actor myself(const Request& request);
  /// `subject`: an id; empty: whether there is any role that lets them. Who asks, before what is asked: nobody without such
  /// a role learns whether an id is known.
  Actor actor(const Request& request, policy::Act act, const std::string& subject);
  /// The same where nothing was tried, only what to show is asked: a refusal is not recorded.
  Actor may(const Request& request, policy::Act act, const std::string& subject);
  /// As the subject's line manager, or who stands in: that takes a card and no role.
  Actor line_manager_of(const Request& request, const std::string& subject);
  /// What is done, to whom, and how it is recorded. The first of `people` is for whom it is done.
  struct Deed {
    audit::Record record;
    std::vector<std::string> people;
    reg::Register::ChangeSeveral how;
    std::string notice = {};  // for the first of `people`
    /// What the record says beside that, out of the first of `people` before and after.
    std::function<json::object(const reg::Person& before, const reg::Person& after)> more_details = {};
    /// Asked right before the change, on the register's thread: what it stands on besides the actor's right.
    std::function<Result<void>(const RecordOf& record_of)> first = {};
    std::optional<work::Taking> taking =
        {};  // what it is, in the place of `how`, when it only takes access away
  };
  struct Done {
    std::optional<Response> refusal;
    std::vector<reg::Person> people;
  };
  /// After a wait: whoever began it may be gone, or may not do it any more.
  std::optional<Response> refuse_if_over(const Actor& who);
  /// Would it be possible by what holds now? Changes nothing. Errors: of `how`; of the register.
  Result<void> try_on_copies(const Deed& deed);
  /// The register can be written again: says of each act that was in doubt what became of it.
  void settle_doubtful();
  work::Right right_of(const Actor& who) const;
  /// To be called on the register's thread, before the change: whether `who` may still do it then. `act` was begun before
  /// the first wait.
  std::function<Result<void>(reg::Register&)> still_allowed(const Actor& who,
                                                            std::shared_ptr<const WaitingActs::Act> act);
  /// Both must have names of their own, as the work of RegisterThreads.
  boost::asio::awaitable<Done> carry_out(const Request& request, const Actor& who, Deed& deed);
  /// Whose form, delegation, ... it is; nobody's, with a refusal, when there is none of that number (404).
  struct Owner {
    std::string person;
    std::int64_t number = 0;
    std::optional<Response> refusal;
  };
  Owner owner_of(reg::Register::Relation relation, const std::string& number, std::string_view what);
  /// Before it is done: noted as begun, then durable in the log. False: it is not, and nothing is to be done. Then comes
  /// ended(), or note_not_done(). `in_register`: the change will keep the record's deed there (note_done()).
  boost::asio::awaitable<bool> recorded(audit::Record& record, bool in_register = false);
  void ended(const audit::Record& record);
  void note_not_done(audit::Record record, std::string_view why);
  /// The register's error; where that leaves in doubt whether it was done, the record says so.
  void note_not_done(audit::Record record, const Error& why);
  boost::asio::awaitable<Response> carry_out_silently(const Request& request, const Actor& who, Deed& deed);
  /// Of an act that the rules refuse: recorded, and told.
  Response refuse_impossible(const Request& request, const audit::Record& record, const Error& why);
  /// Their facts may be other than before: looks at every session that stands on them.
  void people_changed(const std::vector<std::string>& ids);
  /// Records the look; with a refusal when the log cannot be written: nothing is shown of others then.
  [[nodiscard]] std::optional<Response> note_look(const Request& request, const Actor& who,
                                                  const std::string& person, std::string_view what);
  /// The same of a page of people; `asked` is what the peer asked for.
  [[nodiscard]] std::optional<Response> note_list(const Request& request, const Actor& who,
                                                  const std::vector<std::string>& people,
                                                  std::string_view what, json::object asked = {});
  Looks::Answer count_look(const Request& request, const Actor& who, audit::Record& record,
                           std::string_view list, std::size_t people);
  work::Doer doer(const Actor& who) { return {who.person, today(), who.card_by}; }
  /// A card for which one person alone stands decides nothing for others.
  static std::optional<Response> refuse_card_of_one(const Actor& who);
  Date today() { return Date(std::chrono::floor<std::chrono::days>(now())); }

  // gate_takings.cpp
  boost::asio::awaitable<Done> take_away(const Request& request, const Actor& who, Deed& deed);
  boost::asio::awaitable<Result<reg::Person>> write_taking(const OpenAct& act);
  /// What is owed to the register, in its order, as far as it can be written.
  boost::asio::awaitable<void> write_owed();
  boost::asio::awaitable<void> write_owed_later();
  /// What an earlier run began and did not end.
  void settle_left();

  // gate_forms.cpp
  bool is_me(const Request& request, const std::string& id);
  static Deed form_deed(std::string person, const std::string& number, std::string_view act,
                        std::string reason, std::string notice,
                        std::function<Result<void>(reg::Person&)> how);
  /// `number` is empty for a new form.
  boost::asio::awaitable<Response> form_act(Request& request, const Actor& who, Deed& deed,
                                            std::optional<std::int64_t> number);
  json::object form_json(const reg::Person& person, const reg::Form& form) {
    Names names(*staff_);
    return view().form(person, form, names);
  }

  // gate_delegations.cpp
  /// The holder, whoever gave it (`from_them`), or who looks after staff records.
  Actor may_end(const Request& request, const Owner& owner,
                const std::function<bool(const reg::Person& holder, const std::string& who)>& from_them);

  // gate_removals.cpp
  static Deed removal_deed(std::string person, std::string_view act, std::string reason,
                           std::function<Result<void>(reg::Person&)> how);
  boost::asio::awaitable<Response> restore(Request& request, std::string subject, std::int64_t number,
                                           std::string reason);
  boost::asio::awaitable<Response> removal_act(Request& request, const Actor& who, Deed& deed);

  // gate_enrolment.cpp
  /// Somebody at the help desk, signed in by card, whose role lets them hand out codes and passwords: to others only.
  Actor may_give_codes(const Request& request, const std::string& subject);

  // gate_staff.cpp
  /// Where the card is in a reader here: its certificate must say the name that it is registered with.
  std::optional<Response> refuse_other_name(const Request& request, const Actor& who, const std::string& id,
                                            const work::CardChange& change);
  std::optional<work::Taking> taking_in(const std::string& id, const reg::Register::ChangeSeveral& how,
                                        const work::StaffChange& change,
                                        const std::optional<std::string>& leaves_team,
                                        const std::string& reason, work::Doer who);

  // gate_people.cpp
  Actor sees_everybody(const Request& request);
  PeopleView view() { return {policy_, now(), open_acts_.takings()}; }
  struct Listed {
    std::optional<Response> refusal;
    Actor who;
    PeoplePage page;
  };
  using ListWork =
      std::function<Result<PeoplePage>(reg::Register&, const ListAsk&, const std::atomic<bool>& stop)>;
  /// A page of people, read beside this thread, if it is the uid's turn. `asks` says who may see it, before and after; with
  /// its reach the page is read. Both must have names of their own, as the work of RegisterThreads.
  boost::asio::awaitable<Listed> list_beside(const Request& request, const std::function<Actor()>& asks,
                                             ListWork work);
  struct Made {
    std::optional<Response> refusal;
    json::object body;
  };
  using PersonWork = std::function<json::object(const PeopleView&, const RecordOf&, Names&)>;
  /// What takes as long as there are entries about a person: made here when they are few, else beside, as a list.
  /// `who` asks, which decides whose turn it is.
  boost::asio::awaitable<Made> make_of_person(const Request& request, std::string who, std::size_t entries,
                                              PersonWork work);

  // gate_named.cpp
  enum class Whom : std::uint8_t {
    of_reach,  // somebody whom the act may be done with, or of the staff of who asks
    anybody,   // whoever may do the act may name anybody for it
  };
  struct Meant {
    std::string id;
    std::optional<Response> refusal;
  };
  /// Whom a request means by a number or by a name. What is neither comes back as it is, for the call to refuse, when who asks
  /// may name nobody; else it is refused, with the choices that may be shown to them. Must have a name of its own, as the work of
  /// RegisterThreads.
  boost::asio::awaitable<Meant> person_meant(const Request& request, std::string text, policy::Act act,
                                             Whom whom = Whom::of_reach);

  // gate_notices.cpp
  /// Whom it was new to.
  boost::asio::awaitable<std::vector<std::string>> tell(const std::vector<std::string>& people,
                                                        const std::string& mark, const std::string& text);
  boost::asio::awaitable<void> tell_of_changed_texts();
  boost::asio::awaitable<void> announce_leavers();
  void announce_if_due();
  boost::asio::awaitable<void> tell_of_lost_roles(std::vector<std::string> roles);

  // gate_setup.cpp
  boost::asio::awaitable<void> signed_in_at_set_up(std::string person);
  Result<std::vector<std::string>> members_of_team();
  /// That the glass was broken.
  boost::asio::awaitable<void> tell_team(std::string text);
  // gate_import.cpp
  struct ImportAsk {
    reg::ImportOptions options;
    reg::TextEncoding encoding = reg::TextEncoding::by_mark;
    bool csv = false;
    std::string break_glass;  // why
  };
  std::optional<Response> read_import(const Request& request, ImportAsk& ask);
  boost::asio::awaitable<Response> imported(const Peer& peer, const ImportAsk& ask,
                                            const reg::ImportReport& report);
  struct ImportProgress {
    std::atomic<std::uint64_t> done = 0, of = 0;
  };

  // gate_register.cpp
  std::filesystem::path backups() const { return config_.state_directory / "backups"; }
  static constexpr std::chrono::hours copy_patience{2};  // as long as the command waits for a copy
  void remove_left_copies(seconds older_than);
  /// Its content may be another now: whoever may do less by it does so at once.
  void register_replaced();
  boost::asio::awaitable<void> check_register_in_background();
  void register_checked(const Result<std::vector<std::string>>& found);
  struct BackupFile {
    std::filesystem::path path;  // the copy in the folder of the service
    std::string told;            // what the log calls it: the file as root named it, where that is known
  };
  Result<BackupFile> backup_named(const Request& request);

  // gate_certificate.cpp
  struct CardHolder {
    std::string person;               // the id; empty with a refusal
    std::optional<Response> refusal;  // nobody, several people, or the register cannot tell
    std::string_view reason;          // of the refusal, for the audit
  };
  CardHolder holder_of(const CardFacts& card);

  // gate_card_use.cpp
  struct CardInHand {
    Reader* reader;
    std::optional<Response> refusal;
  };
  Response refuse_card_use(const CardUse& use, Response answer, std::string_view reason);
  /// What a failed exchange with the card means to the person, and to the next attempt.
  Response card_error(const CardUse& use, Reader& reader, const Error& error);
  void note_card_blocked(const CardUse& use, const Reader& reader);
  std::optional<Response> refuse_peer(const CardUse& use);
  /// After a wait: why nothing more is done with the card of this insertion.
  std::optional<Response> refuse_if_gone(const CardUse& use, std::uint64_t insertion);
  Response refuse_who_left(const CardUse& use);
  /// The reader whose card a passcode may be spent on now.
  CardInHand card_in_hand(const CardUse& use, const std::string& card, std::optional<int> tries_left);
  std::optional<Response> after_card_work(const CardUse& use, std::uint64_t insertion,
                                          const Result<void>& outcome);
  void note_card_use(std::string_view event, const CardUse& use, const std::string& card);

  // gate_tokens.cpp
  struct Chosen {
    const Session* session;
    std::optional<Response> refusal;
  };
  Chosen choose_session(const Peer& peer, const std::string& wanted);
  struct Live {
    proto::Claims claims;
    const Token* token = nullptr;  // nullptr: inactive, for `why`
    std::string why;
  };
  Live look_up(std::string_view token);
  /// The token of the Authorization header.
  struct Bearer {
    Live live;
    std::optional<Response> refusal;
  };
  Bearer token_of(const Request& request);
  Bearer shown_token(const Request& request);

  boost::asio::io_context& io_;
  const Clock& clock_;
  WallGuard wall_;
  Config config_;
  std::shared_ptr<const policy::Policy> policy_;
  std::shared_ptr<const Judge> judge_;
  std::unique_ptr<reg::Register> staff_;
  std::unique_ptr<audit::Log> log_;
  Durable durable_;
  SigningKey key_;
  std::string key_id_;
  std::vector<proto::VerifyingKey> verifying_keys_;
  std::string host_;
  Readers readers_;
  Sessions sessions_;
  Events events_;
  Metrics metrics_;
  Rate request_rate_, token_rate_, sign_in_rate_;
  Refusals refusals_;
  Looks looks_;
  DearCalls dear_calls_;
  std::unordered_map<std::string, Person> people_;  // register rows as facts, until the register changes
  std::set<Bytes> refreshing_;                      // certificates whose issuers are being asked
  TrustReadings trust_readings_;
  std::string trust_problem_;  // why the newest trust files were refused
  boost::asio::thread_pool trust_threads_{2};
  RegisterThreads register_;
  std::shared_ptr<const PasswordRules> password_rules_;
  Passwords passwords_;
  PasswordChecks password_checks_;
  WaitingActs acts_;
  Flag importing_, forecasting_;
  std::shared_ptr<ImportProgress> import_progress_ = std::make_shared<ImportProgress>();
  Flag copying_;
  bool register_being_checked_ = false;
  std::optional<WallTime> register_checked_at_;
  std::string register_problem_;  // what the last check found
  bool shutting_down_ = false;
  bool audit_failure_noted_ = false;  // that the log failed is recorded once, until it works again
  Count opening_;                     // sign-ins that have a place, and are being recorded
  OpenActs open_acts_;
  Flag writing_owed_, owed_waits_;
  std::vector<audit::Record> doubtful_;  // acts of which it is not known whether the register has them
  std::optional<Date> announced_;        // the day whose leavers were told
  bool setup_closed_ = false;            // as far as is known; the register decides
  ConfigurationInUse configuration_;
  Turns reloads_;
  std::vector<std::string> told_at_start_;
  PeopleCount people_count_;
};

/// The claim `records_of`: line managers, each with the last day where there is one ("10001@2026-12-31").
std::vector<std::string> records_of(const policy::Role& role, const policy::Facts& facts, WallTime now);
/// "good", or "cached": an answer about the certificate is overdue.
std::string_view revocation_word(const Session& session, WallTime now);
std::shared_ptr<const Judge> make_judge(const Config& config, const policy::Policy& policy,
                                        trust::Authorities authorities, CardRules cards,
                                        std::shared_ptr<trust::Answers> answers);

/// Says in the journal what nobody can ever get from this policy: a line each.
void log_findings(const policy::Policy& policy, std::string_view file);

Sessions::Bounds session_bounds(const Limits& limits);
Rate per_second(std::int64_t count);

}  // namespace cardgate::daemon
