// SPDX-License-Identifier: Apache-2.0
// cardgate register backup, restore, check. The service writes its own folder alone, so a copy goes through it there;
// this command, root's, brings it to where it is wanted or from where it is.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "base/crypto.hpp"
#include "base/file.hpp"
#include "client/command/kept_backups.hpp"
#include "client/command/output.hpp"
#include "client/command/progress.hpp"
#include "client/socket/service.hpp"
#include "proto/messages.hpp"

namespace cardgate::client {
namespace {

namespace fs = std::filesystem;
constexpr auto copy_patience = std::chrono::hours(2);
constexpr unsigned owner_only = S_IRUSR | S_IWUSR;

/// A name that nothing else in the folder has, whatever stands there.
std::string passing_name() {
  return std::string(proto::passing_copy) + to_hex(random_bytes(12)) + ".db";
}

Result<void> pour(int from, int to, const std::string& what) {
  std::array<char, 1 << 16> piece{};
  for (;;) {
    const ssize_t got = ::read(from, piece.data(), piece.size());
    if (got == 0) break;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error(what, errno);
    for (ssize_t done = 0; done < got;) {
      const ssize_t put = ::write(to, piece.data() + done, static_cast<std::size_t>(got - done));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return errno_error(what, errno);
      done += put;
    }
  }
  if (sync_all(to) != 0) return errno_error(what, errno);
  return {};
}

/// Opened without following anything: the folder belongs to the service, not to root.
Result<FileDescriptor> open_regular(const fs::path& path) {
  FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat status{};
  if (!fd || ::fstat(fd.get(), &status) != 0) return errno_error(path.string(), errno);
  if (!S_ISREG(status.st_mode) || status.st_nlink != 1)
    return Error{Errc::permission_denied, path.string() + ": is not a file of its own"};
  return fd;
}

/// Reads both from the start, and the second from its disk again where that can be asked for. Errors: corrupt (they differ), io.
Result<void> compare(int from, int to, const std::string& what) {
  ::posix_fadvise(to, 0, 0, POSIX_FADV_DONTNEED);
  std::array<char, 1 << 16> one{}, other{};
  for (off_t at = 0;;) {
    const ssize_t got = ::pread(from, one.data(), one.size(), at);
    const ssize_t back = ::pread(to, other.data(), other.size(), at);
    if ((got < 0 || back < 0) && errno == EINTR) continue;
    if (got < 0 || back < 0) return errno_error(what, errno);
    if (got != back || std::memcmp(one.data(), other.data(), static_cast<std::size_t>(got)) != 0)
      return Error{Errc::corrupt, what + ": reads otherwise than it was written. Look at that disk"};
    if (got == 0) return {};
    at += got;
  }
}

/// Beside its place first, so that a copy that was broken off is never taken for a backup.
Result<void> bring(const fs::path& from, const fs::path& to) {
  const auto source = TRY(open_regular(from));
  const fs::path part = to.string() + ".part";
  const FileDescriptor target(
      ::open(part.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, owner_only));
  if (!target) return errno_error(part.string(), errno);
  auto poured = pour(source.get(), target.get(), part.string());
  if (poured) poured = compare(source.get(), target.get(), part.string());
  if (poured && ::rename(part.c_str(), to.c_str()) != 0) poured = errno_error(to.string(), errno);
  if (!poured) {
    ::unlink(part.c_str());
    return poured;
  }
  return sync_directory(to.has_parent_path() ? to.parent_path() : fs::path("."));
}

int say_failure(const Cli& cli, const Error& error) {
  if (error.code != Errc::permission_denied) return say_error(cli, error);
  say_error(cli, {error.code, error.context + ". Only root handles the staff register: use sudo"});
  return exit_refused;
}

/// `file` is what root calls it, for the log.
Result<Reply> post_name(const Cli& cli, const std::string& target, const std::string& name,
                        const std::string& file, bool check = false) {
  json::object body{{"file", name}, {"named", fs::absolute(file).string()}};
  if (check) body["check"] = true;
  return post(Http(cli.admin_socket), target, json::serialize(body), copy_patience);
}

/// `check`: one that is damaged is not kept.
int backup(const Cli& cli, const std::string& file, bool check) {
  if (fs::exists(fs::symlink_status(file)))
    return say_error(cli, {Errc::already_exists, file + ": already exists. Name a new file"});
  const std::string name = passing_name();
  const auto reply = [&] {
    const Progress shown([] { return std::string("copying the register"); });
    return post_name(cli, "/v1/register/backup", name, file, check);
  }();
  if (!reply) return say_failure(cli, reply.error());
  if (reply->refusal) return say_problem(cli, *reply->refusal);
  const fs::path path = text_of(reply->body, "path");
  if (path.filename() != name) return say_error(cli, {Errc::malformed, "the service names another file"});
  const auto brought = bring(path, file);
  ::unlink(path.c_str());
  if (!brought) return say_failure(cli, brought.error());
  json::object body = reply->body;
  body["path"] = fs::absolute(file).string();
  if (cli.json) {
    print_json(body);
  } else {
    say(fmt::format("{}: {} people, {} bytes. It holds what the register holds: keep it as safe.", file,
                    with_commas(static_cast<std::uint64_t>(number_of(body, "people"))),
                    with_commas(static_cast<std::uint64_t>(number_of(body, "bytes")))));
  }
  return exit_ok;
}

/// The oldest go only when the new one is good, on the disk, and the same as the service's copy.
int backup_into(const Cli& cli, const std::string& folder, std::size_t keep) {
  const auto kept = KeptBackups::open(folder);
  if (!kept) return say_failure(cli, kept.error());
  const int done = backup(cli, (fs::path(folder) / kept->next_name(system_clock().wall())).string(), true);
  if (done != exit_ok) return done;
  if (const auto removed = kept->remove_all_but(keep); !removed) return say_failure(cli, removed.error());
  return exit_ok;
}

struct BackupOptions {
  std::string file, folder;
  std::size_t keep = 14;
};

int back_up(const Cli& cli, const BackupOptions& options) {
  if (options.file.empty() == options.folder.empty())
    return say_usage(cli, "Name the new file, or the folder of backups with --folder");
  return options.folder.empty() ? backup(cli, options.file, false)
                                : backup_into(cli, options.folder, options.keep);
}

/// The service's own copy of `from`, in its folder.
Result<void> hand_over(const fs::path& from, int folder, const std::string& name) {
  const FileDescriptor source(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!source) return errno_error(from.string(), errno);
  const FileDescriptor target(
      ::openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, owner_only));
  if (!target) return errno_error(name, errno);
  TRY(pour(source.get(), target.get(), name));
  struct stat status{};
  if (::fstat(folder, &status) != 0 || ::fchown(target.get(), status.st_uid, status.st_gid) != 0)
    return errno_error(name, errno);
  return {};
}

void say_restored(const std::string& file, const json::object& body) {
  std::string text = fmt::format("The register is now as in {}: {} people.", file,
                                 with_commas(static_cast<std::uint64_t>(number_of(body, "people"))));
  const auto* removed = find_array(body, "still_removed");
  if (removed != nullptr && !removed->empty()) {
    text += "\nThe access of these people was removed after the backup was made, and stays removed:";
    for (const auto& item : *removed) {
      if (const auto* person = item.if_object()) text += "\n  " + person_text(*person);
    }
  }
  if (const auto cards = number_of(body, "still_blocked_cards"); cards > 0)
    text += fmt::format("\n{} lost, replaced or revoked after the backup was made, and cannot be used.",
                        counted(cards, "card was", "cards were"));
  say(text +
      "\nImport the newest staff file now: the backup has no leavers and no new forms after it was made.");
}

/// A copy of the files of a running register: the newest changes are in its log, and not in the file alone.
Result<void> refuse_with_log(const std::string& file) {
  for (const char* suffix : {"-wal", "-journal"}) {
    std::error_code none;
    const auto size = fs::file_size(file + suffix, none);
    if (none || size == 0) continue;
    return Error{
        Errc::corrupt,
        fmt::format(
            "{0}{1} lies beside {0} and holds changes that {0} lacks: these are copied files of a running "
            "register, and not a backup. Nothing was changed. Use a file that 'cardgate register backup' "
            "made",
            file, suffix)};
  }
  return {};
}

int restore(const Cli& cli, const std::string& file) {
  if (const auto good = refuse_with_log(file); !good) {
    (void)say_error(cli, good.error());
    return exit_refused;
  }
  const auto about = call(Http(cli.admin_socket), {.target = "/v1/register"});
  if (!about) return say_failure(cli, about.error());
  if (about->refusal) return say_problem(cli, *about->refusal);
  const std::string place = text_of(about->body, "backups");
  const FileDescriptor folder(::open(place.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!folder) return say_failure(cli, errno_error(place, errno));
  const std::string name = passing_name();
  const auto given = hand_over(file, folder.get(), name);
  const auto reply = [&]() -> Result<Reply> {
    TRY(given);
    const Progress shown([] { return std::string("checking the backup and putting it in place"); });
    return post_name(cli, "/v1/register/restore", name, file);
  }();
  for (const char* suffix : {"", "-wal", "-shm"}) ::unlinkat(folder.get(), (name + suffix).c_str(), 0);
  if (!reply) return say_failure(cli, reply.error());
  return say_reply(cli, reply, [&](const json::object& done) { say_restored(file, done); });
}

int check_register(const Cli& cli) {
  const auto reply = [&] {
    const Progress shown([] { return std::string("checking the register"); });
    return call(Http(cli.admin_socket), {.target = "/v1/register/check"}, copy_patience);
  }();
  if (!reply) return say_failure(cli, reply.error());
  if (reply->refusal) return say_problem(cli, *reply->refusal);
  const bool whole = is_true(reply->body, "whole");
  if (cli.json) {
    print_json(reply->body);
  } else if (whole) {
    say("The staff register is whole.");
  } else {
    std::string text =
        "The staff register is damaged, and was left as it is. Restore a backup: cardgate register restore";
    if (const auto* findings = find_array(reply->body, "findings")) {
      for (const auto& item : *findings) text += fmt::format("\n  - {}", std::string(item.as_string()));
    }
    complain("cardgate: " + text);
  }
  return whole ? exit_ok : exit_refused;
}

}  // namespace

void add_register(CLI::App& app, Cli& cli) {
  auto* group = add_command(app, "register", "The staff register's file (root)",
                            "sudo cardgate register backup /root/register-2026-01-31.db", "");
  group->require_subcommand(1);
  auto* copy = add_command(*group, "backup", "Copy the register into a new file, while the service runs",
                           "sudo cardgate register backup /root/register-2026-01-31.db\n"
                           "  sudo cardgate register backup --folder /var/backups/cardgate --keep 14",
                           usual_exit_codes);
  auto options = std::make_shared<BackupOptions>();
  copy->add_option("FILE", options->file, "The new file");
  copy->add_option("--folder", options->folder,
                   "Make a backup with today's date in this folder instead, check it whole, and then remove "
                   "the oldest ones");
  copy->add_option("--keep", options->keep, "How many backups stay in the folder")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  copy->callback([&cli, options] { cli.action = [&cli, options] { return back_up(cli, *options); }; });
  auto* put = add_command(
      *group, "restore",
      "Put a backup in the register's place, while the service runs; removed access stays removed",
      "sudo cardgate register restore /root/register-2026-01-31.db",
      "0 done; 1 refused (a damaged file, for one), nothing was changed; 2 wrong usage; 3 the service is not "
      "reachable; 4 error");
  auto file = std::make_shared<std::string>();
  put->add_option("FILE", *file, "The backup")->required();
  put->callback([&cli, file] { cli.action = [&cli, file] { return restore(cli, *file); }; });
  auto* command = add_command(*group, "check", "Look the whole register over, while the service runs",
                              "sudo cardgate register check",
                              "0 whole; 1 damaged; 2 wrong usage; 3 the service is not reachable; 4 error");
  command->callback([&cli] { cli.action = [&cli] { return check_register(cli); }; });
}

}  // namespace cardgate::client
