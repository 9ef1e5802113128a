// SPDX-License-Identifier: Apache-2.0
#include "audit/event.hpp"

#include <algorithm>
#include <iterator>

namespace cardgate::audit {
namespace {

constexpr EventInfo table[] = {
    {.event = Event::start,
     .name = "start",
     .members = "details.version, policy",
     .recorded = "the service started",
     .level = Level::info,
     .said = "the service serves"},
    {.event = Event::start_refused,
     .name = "start_refused",
     .level = Level::error,
     .said = "a start was refused; the message says why",
     .next_step = "put it right, then `systemctl start cardgated`",
     .catalog = {.message_id = "5d1f0c6bd2f54a7e9d8a3c1b7e42f604",
                 .subject = "cardgated cannot start",
                 .explanation = "Callers are told so. When you have put it right, start it: "
                                "`systemctl start cardgated`. You can check the configuration first: "
                                "`cardgated --check-config`."}},
    {.event = Event::stop,
     .name = "stop",
     .members = "reason",
     .recorded = "the service stopped in order",
     .level = Level::info,
     .said = "the service stops in order"},
    {.event = Event::state_lost,
     .name = "state_lost",
     .level = Level::error,
     .said = "a key or the audit log is missing; cardgate makes a new one, or says what to do",
     .next_step = "see \"Keys and backup\"",
     .catalog = {.message_id = "5d1f0c6bd2f54a7e9d8a3c1b7e42f606",
                 .subject = "A part of the service's state is gone",
                 .explanation = "Was the folder lost, moved, or not mounted? If you have a backup, "
                                "see \"Keys and backup\" in the documentation."}},
    {.event = Event::installation_unmarked,
     .name = "installation_unmarked",
     .level = Level::warning,
     .said = "/etc/cardgate/installation cannot be written, so a lost state folder would look like a "
             "first start",
     .next_step = "`systemd-tmpfiles --create`"},
    {.event = Event::reload,
     .name = "reload",
     .members = "policy, reason, details",
     .recorded = "configuration and policy were read again; reason when refused",
     .level = Level::info,
     .said = "the files on disk were read again and are in use"},
    {.event = Event::reload_refused,
     .name = "reload_refused",
     .level = Level::error,
     .said = "the files on disk were refused; cardgate goes on with the ones before",
     .next_step = "see \"Change the configuration\"",
     .catalog = {.message_id = "5d1f0c6bd2f54a7e9d8a3c1b7e42f605",
                 .subject = "The new configuration was refused",
                 .explanation = "The service goes on with the configuration before. Put the file "
                                "right, check it with `cardgated --check-config`, then run `systemctl "
                                "reload cardgated`. Until then `cardgate status` says that the "
                                "configuration on disk is not the one in use."}},
    {.event = Event::trust_files,
     .name = "trust_files",
     .members = "reason",
     .recorded = "certificates or CRLs changed and were taken over; reason when refused",
     .frequent = true,
     .level = Level::info,
     .said = "files under `trust` changed and are in use"},
    {.event = Event::trust_files_refused,
     .name = "trust_files_refused",
     .level = Level::error,
     .said = "files under `trust` changed and were refused",
     .next_step = "replace the file that is named",
     .catalog = {.message_id = "5d1f0c6bd2f54a7e9d8a3c1b7e42f607",
                 .subject = "The trust files changed and were refused",
                 .explanation = "The certificates and revocation lists before go on. Replace or "
                                "remove the file that is named. The folder is read again as soon as "
                                "it changes."}},
    {.event = Event::crl_passed_over,
     .name = "crl_passed_over",
     .level = Level::warning,
     .said = "a revocation list cannot be used; the message says which and why",
     .next_step = "see Revocation"},
    {.event = Event::authority_useless,
     .name = "authority_useless",
     .level = Level::warning,
     .said = "the certificate of an anchor or authority cannot be used (ended, weak, of a wrong form)",
     .next_step = "see Revocation"},
    {.event = Event::revocation_answer,
     .name = "revocation_answer",
     .level = Level::warning,
     .said = "an answer about revocation could not be had, or was not good",
     .next_step = "see Revocation"},
    {.event = Event::answers,
     .name = "answers",
     .level = Level::warning,
     .said = "a kept revocation answer was damaged and removed",
     .next_step = "nothing: it is fetched again"},
    {.event = Event::policy_finding,
     .name = "policy_finding",
     .level = Level::warning,
     .said = "the policy in use has a role that nobody can hold, or the like",
     .next_step = "`cardgate policy check`"},
    {.event = Event::import,
     .name = "import",
     .members = "client, reason, details",
     .recorded = "a staff file was taken over, or refused as a whole",
     .level = Level::info,
     .said = "a staff file was taken over"},
    {.event = Event::sign_in,
     .name = "sign_in",
     .members = "person, client, session, policy, details.reader, details.card, details.uid, "
                "details.revocation, details.took_ms",
     .recorded = "a person proved card and passcode; a session is open. `took_ms`: since the passcode came",
     .level = Level::info,
     .said = "a person signed in"},
    {.event = Event::sign_in_refused,
     .name = "sign_in_refused",
     .members = "person, client, reason, details",
     .recorded = "a sign-in ended without a session",
     .level = Level::notice,
     .said = "a sign-in was refused",
     .next_step = "the person was told why; many for one person or client: look who tries",
     .refusal = "A sign-in was refused",
     .catalog = {.message_id = "5d1f0c6bd2f54a7e9d8a3c1b7e42f601",
                 .subject = "A sign-in was refused",
                 .explanation = "The person was told why, and what to do next. When the certificate "
                                "is the reason, `cardgate cert verify` shows what was found. When it "
                                "is the passcode, the person sees how many tries are left."}},
    {.event = Event::session_locked,
     .name = "session_locked",
     .members = "person, session, reason",
     .recorded = "a session sleeps until the passcode is given again",
     .frequent = true},
    {.event = Event::session_grace,
     .name = "session_grace",
     .members = "person, session, reason",
     .recorded = "its card is out; the tokens live on for the time that the policy says",
     .frequent = true},
    {.event = Event::session_kept,
     .name = "session_kept",
     .members = "person, session, reason",
     .recorded =
         "its card was taken out, or is in again; the session goes on for the time that the policy says",
     .frequent = true},
    {.event = Event::session_resumed,
     .name = "session_resumed",
     .members = "person, client, session",
     .recorded = "a locked session is open again, or card and passcode were given again for an open one",
     .frequent = true,
     .level = Level::info,
     .said = "a person took up a locked session again"},
    {.event = Event::session_ended,
     .name = "session_ended",
     .members = "person, session, reason",
     .recorded = "a session is over; its tokens are revoked",
     .level = Level::info,
     .said = "a session ended"},
    {.event = Event::card_removed,
     .name = "card_removed",
     .members = "person, session, details.reader",
     .recorded = "a card was taken out",
     .frequent = true},
    {.event = Event::card_twice,
     .name = "card_twice",
     .level = Level::warning,
     .said = "the same card answers in two readers: one is a copy",
     .next_step = "keep both cards",
     .catalog = {.message_id = "5d1f0c6bd2f54a7e9d8a3c1b7e42f609",
                 .subject = "One of two cards is a copy",
                 .explanation = "Keep both cards. The one that proved itself first goes on. The other "
                                "is refused."}},
    {.event = Event::pcscd_unreachable,
     .name = "pcscd_unreachable",
     .level = Level::warning,
     .said = "the reader service stopped or hangs",
     .next_step = "`systemctl status pcscd.socket pcscd`",
     .catalog = {.message_id = "5d1f0c6bd2f54a7e9d8a3c1b7e42f603",
                 .subject = "The reader service (pcscd) cannot be reached, or does not answer",
                 .explanation = "No card can be read until pcscd answers. Sessions that a card opened "
                                "are treated as if the card were out: they end, are locked or run "
                                "out, as their roles say. cardgated goes on by itself when pcscd is "
                                "back. See `systemctl status pcscd.socket pcscd`. When pcscd hangs, "
                                "restart it. When it runs and refuses, see whether polkit has the "
                                "rule /usr/share/polkit-1/rules.d/50-cardgate.rules."}},
    {.event = Event::pcscd_reachable,
     .name = "pcscd_reachable",
     .level = Level::info,
     .said = "the reader service is back"},
    {.event = Event::token,
     .name = "token",
     .members = "person, role, client, session, policy, details.audience, details.jti, "
                "details.expires, details.revocation",
     .recorded = "a token was released"},
    {.event = Event::token_refused,
     .name = "token_refused",
     .members = "person, role, client, session, reason, policy, details.unmet",
     .recorded = "a token was not released",
     .level = Level::notice,
     .said = "a token was refused",
     .next_step = "many from one client: see whether its entry in `clients` is right",
     .refusal = "A token was refused"},
    {.event = Event::token_key,
     .name = "token_key",
     .members =
         "details.act, details.by, details.kid, details.algorithm, details.state, details.published_at, "
         "details.signs_at, details.ends_at",
     .recorded = "a key that signs tokens was `published`, `signs` from now on, was `withdrawn` before it "
                 "signed, has "
                 "`ended`, or was `revoked` with all its tokens; without `by` it happened by itself",
     .said =
         "a key that signs tokens was published, signs from now on, was withdrawn, has ended or was revoked",
     .next_step = "of `revoked`: programs that verify tokens offline must fetch the keys again at once"},
    {.event = Event::certificate_explained,
     .name = "certificate_explained",
     .members = "person, client, reason, details.certificate, details.serial",
     .recorded = "root asked to whom a certificate belongs; the person it led to"},
    {.event = Event::introspected,
     .name = "introspected",
     .members = "client, reason, details",
     .recorded = "a token was looked up and why it was not active",
     .level = Level::notice,
     .said = "a token was looked up that was not active, or not for who asked",
     .next_step = "many from one client: see whether its entry in `clients` is right",
     .refusal = "Refused (introspected)"},
    {.event = Event::revoked,
     .name = "revoked",
     .members = "person, client, session, reason, details.jti",
     .recorded = "a token was made invalid before its time",
     .frequent = true},
    {.event = Event::access_removed,
     .name = "access_removed",
     .members = "person, reason, details",
     .recorded = "prerequisites ceased to hold during a session"},
    {.event = Event::client_refused,
     .name = "client_refused",
     .members = "client, reason, details",
     .recorded = "a peer asked for what it is not registered for",
     .level = Level::notice,
     .said = "a call was refused",
     .next_step = "many from one client: see whether its entry in `clients` is right",
     .refusal = "A call was refused"},
    {.event = Event::admin_refused,
     .name = "admin_refused",
     .level = Level::warning,
     .said = "somebody other than root reached the admin socket",
     .next_step = "give the socket back its owner root and its mode 0600"},
    {.event = Event::passcode_changed,
     .name = "passcode_changed",
     .members = "person, client, details",
     .recorded = "a card has a new passcode",
     .frequent = true,
     .level = Level::info,
     .said = "the passcode of a card was changed at a reader here"},
    {.event = Event::card_blocked,
     .name = "card_blocked",
     .members = "person, details",
     .recorded = "a card has no tries left",
     .frequent = true},
    {.event = Event::card_refused,
     .name = "card_refused",
     .members = "client, reason, details",
     .recorded = "a passcode was not changed, or a card not unblocked",
     .level = Level::notice,
     .said = "a change of a card's passcode was refused",
     .next_step = "the person was told why; many for one person or client: look who tries",
     .refusal = "A change of a card's passcode was refused"},
    {.event = Event::card_unblocked,
     .name = "card_unblocked",
     .members = "person, client, details",
     .recorded = "a card was unblocked",
     .level = Level::info,
     .said = "a card was unblocked at a reader here"},
    {.event = Event::register_changed,
     .name = "register_changed",
     .members = "person, client, reason, details",
     .recorded = "the staff register was changed; of a card: its `status` (`waiting` for a second "
                 "person), `registered_by`, `confirmed_by`, and `certificate_name` where the "
                 "certificate names somebody else than the register, and `issuer_serial` where the "
                 "card was named by that"},
    {.event = Event::card_pool,
     .name = "card_pool",
     .members = "person, client, session, role, reason, details.by, details.card, details.act",
     .recorded = "a card was put into the pool of cards to lend (`added`), or taken out (`removed`); its "
                 "unblocking key was handed over (`key`), a code to unblock it was given to this person "
                 "(`code`), or is used (`code_used`)"},
    {.event = Event::loan,
     .name = "loan",
     .members = "person, client, session, role, reason, details.by, details.card, details.until, "
                "details.act",
     .recorded = "a card of the pool was `lent` to this person, `confirmed` by a second person, `returned`, "
                 "or `ended` by itself; of the last three `lent_by` says who had lent it"},
    {.event = Event::form,
     .name = "form",
     .members = "person, client, session, role, reason, details.by, details.form, details.act",
     .recorded = "an access form was submitted, verified, approved, rejected, withdrawn or renewed"},
    {.event = Event::declaration_signed,
     .name = "declaration_signed",
     .members = "person, client, session, details.name, details.version, details.text",
     .recorded = "a person signed a declaration; `text` is the SHA-256 of what was signed"},
    {.event = Event::training_recorded,
     .name = "training_recorded",
     .members = "person, client, session, role, details.by, details.course",
     .recorded = "a completed course was put on record"},
    {.event = Event::delegation,
     .name = "delegation",
     .members = "person, client, session, role, reason, details.by, details.delegation, details.act",
     .recorded = "a line manager let a person act for them, or ended that"},
    {.event = Event::acting_manager,
     .name = "acting_manager",
     .members = "person, client, session, role, reason, details.by, details.manager, details.act",
     .recorded = "a person was named to stand in for a line manager, or that was ended"},
    {.event = Event::removal,
     .name = "removal",
     .members = "person, client, session, role, reason, details.by, details.removal, details.act",
     .recorded = "an urgent removal was asked for, done, declined, or taken back by two people"},
    {.event = Event::act_unwritten,
     .name = "act_unwritten",
     .level = Level::error,
     .said = "access was taken away and the register does not have it yet",
     .next_step = "`df /var/lib/cardgate`",
     .catalog = {.message_id = "5d1f0c6bd2f54a7e9d8a3c1b7e42f60b",
                 .subject = "Access was taken away and the staff register does not have it yet",
                 .explanation = "The access is taken away from now on. It is written into the "
                                "register as soon as that is possible, also after a restart. See "
                                "whether the disk is full and who owns /var/lib/cardgate, then run "
                                "`cardgate status`."}},
    {.event = Event::act_written,
     .name = "act_written",
     .level = Level::notice,
     .said = "the register now has what it did not have before"},
    {.event = Event::act_not_done,
     .name = "act_not_done",
     .level = Level::warning,
     .said = "something was recorded and then not carried out",
     .next_step = "do it again if it is still wanted"},
    {.event = Event::looked_at,
     .name = "looked_at",
     .members = "person, client, session, role, reason, details.by, details.people, details.list, "
                "details.count",
     .recorded =
         "what is on record about somebody else was shown, or is about to be; `by` is `root` "
         "for the admin socket. About several: `people` are their ids, besides `person` if there is one, "
         "in several records where one has no room, `count` how many they are in all, and "
         "`list` a name for just these and what was asked. The details also hold what was "
         "asked for, as far as it was said",
     .frequent = true},
    {.event = Event::record_asked,
     .name = "record_asked",
     .members = "person, client, session, role, reason, details.record",
     .recorded = "whether a person may open a record was asked, and the answer was no",
     .level = Level::notice,
     .said = "a look at a person's record was refused",
     .next_step = "many from one client: see whether its entry in `clients` is right",
     .refusal = "A person's record was not opened"},
    {.event = Event::setup,
     .name = "setup",
     .members = "person, client, reason, details",
     .recorded = "root appointed the first members of the team (`instead_of`: whom that replaced), "
                 "or set-up was closed"},
    {.event = Event::setup_closed,
     .name = "setup_closed",
     .level = Level::info,
     .said = "both first members of the team have signed in"},
    {.event = Event::break_glass,
     .name = "break_glass",
     .members = "person, client, reason, details",
     .recorded = "root did what only the team may do otherwise; every member of the team is told",
     .level = Level::warning,
     .said = "root gave access past the team",
     .next_step = "make sure that the team knows of it",
     .catalog = {.message_id = "5d1f0c6bd2f54a7e9d8a3c1b7e42f60c",
                 .subject = "Access was given in an emergency",
                 .explanation = "root did this past the team. Every member of the team is told, and "
                                "the audit log has the reason."}},
    {.event = Event::enrolment,
     .name = "enrolment",
     .members = "person, client, session, role, reason, details.by, details.act",
     .recorded = "a person asked for an activation code, was given one, or used it",
     .level = Level::notice,
     .said = "a request for a first password was refused, or matched nobody or several people",
     .refusal = "A request for a first password led to nothing"},
    {.event = Event::password_changed,
     .name = "password_changed",
     .members = "person, client, reason",
     .recorded = "a person has a new password",
     .level = Level::info,
     .said = "a password was changed"},
    {.event = Event::password_reset,
     .name = "password_reset",
     .members = "person, client, session, role, reason, details.by",
     .recorded = "a password was replaced by one that must be changed",
     .level = Level::info,
     .said = "a password was replaced by a temporary one"},
    {.event = Event::passwords_failing,
     .name = "passwords_failing",
     .level = Level::error,
     .said = "there is too little memory to check passwords",
     .next_step = "see the table under \"Self service without a card\"",
     .catalog = {.message_id = "5d1f0c6bd2f54a7e9d8a3c1b7e42f628",
                 .subject = "There is too little memory to check passwords",
                 .explanation = "Nobody can sign in by password, enrol or change a password until "
                                "there is enough memory. Such tries are not counted against anybody. "
                                "Sign-in by card goes on. See what else takes the memory "
                                "(`systemd-cgtop`) and the unit's MemoryMax=, or give "
                                "`passwords.memory` in cardgated.yaml a smaller value and reload."}},
    {.event = Event::passwords_working,
     .name = "passwords_working",
     .level = Level::notice,
     .said = "there is enough memory to check passwords again"},
    {.event = Event::notice,
     .name = "notice",
     .members = "person, client, session, details.mark, details.text, details.people, details.act, "
                "details.notice",
     .recorded = "people are told of something, now or at the next sign-in; `person` is the first of "
                 "them. An `act` of `dropped`: the person has read it and dropped it",
     .frequent = true},
    {.event = Event::notice_lost,
     .name = "notice_lost",
     .level = Level::error,
     .said = "people could not be told something",
     .next_step = "tell them"},
    {.event = Event::downtime,
     .name = "downtime",
     .members = "client, session, role, reason, details.by, details.act, details.downtime, details.kind, "
                "details.severity, details.closes, details.begins_at, details.ends_at, details.text",
     .recorded =
         "downtime was `announced`, `reminded` of, `changed`, `extended` while it lasts, `withdrawn`, "
         "`began`, or an emergency `declared`, `overdue`, `repair_late` or `ended`; `details.ticket` is what "
         "it was passed on as; without `by` it happened by itself; "
         "of `ended`, `ended_at` says when",
     .level = Level::warning,
     .said = "downtime: announced, changed, begun, over; the message says it in the words that people read",
     .next_step = "see \"Downtime\"",
     .catalog = {.message_id = "5d1f0c6bd2f54a7e9d8a3c1b7e42f615",
                 .subject = "Downtime",
                 .explanation =
                     "What is announced and what lasts: `cardgate downtime list`. At the start of a "
                     "planned downtime nobody can sign in, and sessions end a few minutes "
                     "later; at its end all is open by itself. Logging in to this machine by "
                     "password is never affected. To end it early: `sudo cardgate downtime end "
                     "NUMBER`."}},
    {.event = Event::fault,
     .name = "fault",
     .members = "client, session, role, reason, details.by, details.act, details.fault, details.severity, "
                "details.reported_by, details.reported_at, details.text, details.ticket, details.expected_at",
     .recorded =
         "a fault was `reported` by somebody (or found by the service: `part`), `classed` by how bad it is, "
         "`joined` to another one, `passed_on` under a `ticket`, or `closed`; `answer_late`, `repair_late`: "
         "a time that was agreed has passed",
     .frequent = true,
     .level = Level::warning,
     .said = "a fault was reported or found, or something came of it",
     .next_step = "`cardgate fault list`, see \"Faults\"",
     .catalog = {.message_id = "5d1f0c6bd2f54a7e9d8a3c1b7e42f616",
                 .subject = "A fault",
                 .explanation =
                     "Somebody reported it, or the service found it wrong with itself. The team says how bad "
                     "it is and what everybody is told: `cardgate fault class NUMBER`. What the service "
                     "found is closed by itself when it works again."}},
    {.event = Event::hook_failed,
     .name = "hook_failed",
     .level = Level::error,
     .said = "a notice of downtime could not be handed to the hook; the message has it",
     .next_step = "`systemctl status cardgate-notice.socket`"},
    {.event = Event::signatures_void,
     .name = "signatures_void",
     .members = "reason, policy, details.name, details.version, details.text, details.count, "
                "details.people",
     .recorded = "the text of a declaration was changed under its version; the signatures of these "
                 "people (the first hundred) no longer count; `text` is the SHA-256 of the new text",
     .level = Level::error,
     .said = "a declaration's text changed, and these signatures of the old text are void",
     .next_step = "give a changed text a new `version`"},
    {.event = Event::register_copied,
     .name = "register_copied",
     .members = "client, reason, details",
     .recorded = "a backup of the staff register was made, or one was restored"},
    {.event = Event::register_check,
     .name = "register_check",
     .level = Level::warning,
     .said = "the register was checked and is whole, or could not be checked",
     .next_step = "see \"Backup and restore of the register\""},
    {.event = Event::register_damaged,
     .name = "register_damaged",
     .level = Level::error,
     .said = "the register was checked and is damaged",
     .next_step = "see \"Backup and restore of the register\"",
     .catalog = {.message_id = "5d1f0c6bd2f54a7e9d8a3c1b7e42f608",
                 .subject = "The staff register is damaged",
                 .explanation = "Nothing repairs it by itself. See \"Backup and restore of the "
                                "register\" in the documentation."}},
    {.event = Event::register_restored,
     .name = "register_restored",
     .level = Level::warning,
     .said = "a backup was restored",
     .next_step = "import the newest staff file"},
    {.event = Event::register_unwritable,
     .name = "register_unwritable",
     .level = Level::error,
     .said = "the register cannot be changed",
     .next_step = "`df /var/lib/cardgate`",
     .catalog = {.message_id = "5d1f0c6bd2f54a7e9d8a3c1b7e42f611",
                 .subject = "The staff register cannot be changed",
                 .explanation = "Its disk is full or fails, or one of its files was removed or "
                                "replaced while the service runs. People can still sign in by card "
                                "and get tokens. What changes the register is refused. The service "
                                "tries again by itself and says when it works."}},
    {.event = Event::register_writable,
     .name = "register_writable",
     .level = Level::notice,
     .said = "the register can be changed again"},
    {.event = Event::clock_jump,
     .name = "clock_jump",
     .members = "reason, details.from, details.to",
     .recorded = "the wall clock moved against the boot clock: set forward, put right, set back (not "
                 "believed), right again; no reason: by less than 2 s",
     .frequent = true,
     .level = Level::error,
     .said = "the clock was set by more than a little",
     .next_step = "see \"When something is wrong\""},
    {.event = Event::repeated,
     .name = "repeated",
     .members = "person, role, session, reason, details.event, details.count, details.uid",
     .recorded = "so many more like the one that was recorded: `event` and `reason` are the same, of "
                 "the same uid; of `token` with `details.jti`: that token was handed out again; of "
                 "`looked_at` also `details.by`, who looked, and `person` or "
                 "`details.list`, who was seen. An `event` of `others`: refusals of several kinds "
                 "that had no room of their own; a `uid` of `others`: of uids that had none"},
    {.event = Event::incident,
     .name = "incident",
     .members = "reason, details",
     .recorded = "something that a person must look at"},
    {.event = Event::audit_failing,
     .name = "audit_failing",
     .level = Level::error,
     .said = "the audit log cannot be written",
     .next_step = "`df /var/lib/cardgate`",
     .catalog = {.message_id = "5d1f0c6bd2f54a7e9d8a3c1b7e42f602",
                 .subject = "The audit log cannot be written",
                 .explanation = "Until it can be written, nobody is signed in and no token is issued. "
                                "People can still sign out, and access can still be taken away. See "
                                "whether the disk is full and who owns the folder that "
                                "`audit.directory` names (/var/lib/cardgate/audit), then run "
                                "`cardgate status`."}},
    {.event = Event::audit_late,
     .name = "audit_late",
     .level = Level::error,
     .said = "a record waits until the log can be written, or is a refusal that the log does not have",
     .next_step = "keep the journal: the entry has the record",
     .catalog = {.message_id = "5d1f0c6bd2f54a7e9d8a3c1b7e42f60a",
                 .subject = "An audit record waits until the log can be written",
                 .explanation = "What the record says was done. It takes access away, or says that "
                                "something ended, so it did not wait for the log. The record is "
                                "written as soon as the log works again, marked late. Until then this "
                                "entry's field CARDGATE_RECORD is the only place where it can be "
                                "read, so keep the journal."}},
    {.event = Event::audit_lost,
     .name = "audit_lost",
     .level = Level::error,
     .said = "a record is lost",
     .next_step = "keep the journal: the entry has the record"},
    {.event = Event::audit_caught_up,
     .name = "audit_caught_up",
     .level = Level::notice,
     .said = "the audit log can be written again and has what waited"},
    {.event = Event::audit_checkpoint,
     .name = "audit_checkpoint",
     .level = Level::info,
     .said = "a signed checkpoint of the audit log, whole, so that it leaves the machine with the journal",
     .next_step = "keep it elsewhere: see \"Checkpoints off the machine\"",
     .catalog = {.message_id = "5d1f0c6bd2f54a7e9d8a3c1b7e42f618",
                 .subject = "A signed checkpoint of the audit log",
                 .explanation = "It vouches for every record up to its number. Keep it on another "
                                "machine: `cardgate audit verify --checkpoints FILE` then shows "
                                "whether the log was cut, rewritten or put back since."}},
    {.event = Event::audit_checkpoint_kept_back,
     .name = "audit_checkpoint_kept_back",
     .level = Level::error,
     .said = "a checkpoint could not be written to `audit.checkpoints.file`, or not handed to "
             "`audit.checkpoints.hook`",
     .next_step = "see whether the file system is there and writable, and whether the hook's socket listens; "
                  "the journal has the checkpoint, too"},
    {.event = Event::segment,
     .name = "segment",
     .members = "details.format, details.key, details.log, details.machine",
     .recorded = "first line of a segment",
     .internal = true},
    {.event = Event::checkpoint,
     .name = "checkpoint",
     .members = "details.segment, details.end, details.log, details.key",
     .recorded = "a signature over everything before it",
     .internal = true},
    {.event = Event::healed,
     .name = "healed",
     .members = "details.bytes, details.hash, details.file",
     .recorded = "an unfinished write was cut off at start",
     .internal = true},
    {.event = Event::audit_key,
     .name = "audit_key",
     .members = "details.key, details.key_before",
     .recorded = "the next segment is signed with this key, for which the key before vouches",
     .internal = true},
    {.event = Event::audit_hold,
     .name = "audit_hold",
     .members = "reason, details.act",
     .recorded =
         "a legal hold was `set`, `changed` or `released`: while there is one, nothing of the log is deleted",
     .internal = true},
    {.event = Event::retention,
     .name = "retention",
     .members = "details.first_kept, details.kept_prev, details.segments",
     .recorded = "old segments are deleted",
     .internal = true},
};

constexpr bool in_order() {
  for (std::size_t i = 0; i < std::size(table); ++i) {
    if (table[i].event != static_cast<Event>(i)) return false;
  }
  return true;
}
static_assert(in_order() && std::size(table) == static_cast<std::size_t>(Event::retention) + 1,
              "a row for each event, in the order of the enumeration");

}  // namespace

std::span<const EventInfo> events() {
  return table;
}

const EventInfo& info_of(Event event) {
  return table[static_cast<std::size_t>(event)];
}

std::string_view name_of(Event event) {
  return info_of(event).name;
}

const EventInfo* find_event(std::string_view name) {
  const auto* found =
      std::ranges::find_if(table, [&](const auto& each) { return each.is_recorded() && each.name == name; });
  return found == std::end(table) ? nullptr : found;
}

}  // namespace cardgate::audit
