// SPDX-License-Identifier: Apache-2.0
#include "audit/log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "audit/layout.hpp"
#include "audit/writer.hpp"
#include "base/file.hpp"

namespace cardgate::audit {

class Log::Impl {
 public:
  Impl(const Options& options, const Clock& clock, std::unique_ptr<Writer> writer, LateRecords late)
      : options_(options), clock_(clock), writer_(std::move(writer)), late_(std::move(late)) {
    publish(std::nullopt);
    thread_ = std::thread([this] { run(); });
  }

  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

  void append(Record record, Done done, Keep keep, Begin begin) {
    auto body = encode(record);
    if (!body) return refuse(done, std::move(body).error());
    // What was done already is not turned away as soon as what can still be refused.
    const std::size_t limit = keep < Keep::if_room ? options_.queue_limit : 2 * options_.queue_limit;
    bool idle = false;
    {
      std::unique_lock lock(mutex_);
      if (queue_.size() >= limit) {
        lock.unlock();
        Error full{Errc::unavailable, "audit: too many records wait for the disk"};
        if (keep != Keep::no) say({"{" + *body + "}", keep, Kept::nowhere, full});
        return refuse(done, std::move(full));
      }
      std::unique_ptr<Record> whole;
      if (keep >= Keep::if_room) whole = std::make_unique<Record>(std::move(record));
      // Taken under the lock, so that times follow the sequence.
      queue_.push_back({clock_.wall(), std::move(*body), std::move(done), keep, std::move(whole)});
      if (begin == Begin::when_told) return;
      begun_ = true;
      idle = std::exchange(idle_, false);
    }
    if (idle) wake_.notify_one();
  }

  /// An item without a body: it passes through the queue behind the others, and nothing is written for it.
  void when_settled(Done done) {
    bool idle = false;
    {
      const std::lock_guard lock(mutex_);
      queue_.push_back({clock_.wall(), {}, std::move(done), Keep::no, nullptr});
      begun_ = true;
      idle = std::exchange(idle_, false);
    }
    if (idle) wake_.notify_one();
  }

  void begin() {
    bool idle = false;
    {
      const std::lock_guard lock(mutex_);
      if (queue_.empty()) return;
      begun_ = true;
      idle = std::exchange(idle_, false);
    }
    if (idle) wake_.notify_one();
  }

  Health health() {
    Health now;
    {
      const std::lock_guard lock(health_mutex_);
      now = health_;
    }
    {
      const std::lock_guard lock(mutex_);
      now.waiting = queue_.size();
    }
    if (!now.ok) probe();
    return now;
  }

 private:
  struct Item {
    WallTime time;
    std::string body;
    Done done;
    Keep keep = Keep::no;
    std::unique_ptr<Record> record;  // of one that is to be kept when the log does not take it
  };
  using Batch = std::vector<Item>;

  /// A caller that sees a failed log gives it no records, so asking is what makes it try the disk again.
  void probe() {
    {
      const std::lock_guard lock(mutex_);
      probe_ = true;
      idle_ = false;
    }
    wake_.notify_one();
  }

  static void refuse(const Done& done, Error error) {
    if (done) done(std::move(error));
  }

  void say(const Unwritten& unwritten) const {
    if (options_.unwritten) options_.unwritten(unwritten);
  }

  bool has_late() const { return !late_.waiting().empty() || !late_.lost().empty(); }

  void run() noexcept {
    Batch batch;
    while (wait(batch)) {
      process(batch);
      batch.clear();
    }
    if (has_late()) {
      // A last try, whenever the one before was.
      retry_at_ = {};
      process(batch);
    }
    std::optional<Error> failure;
    if (auto closed = guarded([&] { return writer_->close(); }); !closed) failure = std::move(closed).error();
    publish(failure);
  }

  /// Takes the whole queue. An empty batch asks for a checkpoint, or to try the disk again; false is the end.
  bool wait(Batch& batch) {
    std::unique_lock lock(mutex_);
    const auto ready = [&] { return begun_ || stopping_ || probe_; };
    // While late records wait nobody needs to ask: the disk is tried again by itself.
    auto due = checkpoint_due_;
    if (has_late()) due = due ? std::min(*due, retry_at_) : retry_at_;
    if (const auto tell = writer_->tell_due(); tell && !failure_) due = due ? std::min(*due, *tell) : *tell;
    if (!ready()) {
      idle_ = true;
      if (!due) {
        wake_.wait(lock, ready);
      } else if (!wake_.wait_until(lock, *due, ready)) {
        idle_ = false;
        return true;
      }
      idle_ = false;
    }
    probe_ = false;
    begun_ = false;
    std::swap(batch, queue_);
    return !batch.empty() || !stopping_;
  }

  void process(Batch& batch) {
    const auto now = std::chrono::steady_clock::now();
    if (failure_ && now < retry_at_) return fail(batch, 0, *failure_);
    std::size_t done = 0;
    std::size_t late = 0;
    auto result = guarded([&] { return write(batch, done, late); });
    if (result) {
      if (!batch.empty()) publish(std::nullopt);  // whoever is told finds it counted
      finish(batch, done, batch.size());
      done = batch.size();
      const bool due = checkpoint_due_ && now >= *checkpoint_due_;
      result = guarded([&] { return writer_->settle(due); });
    }
    failure_.reset();
    if (!result) {
      failure_ = result.error();
      retry_at_ = std::chrono::steady_clock::now() + options_.retry_after;
    }
    if (!result) fail(batch, done, result.error());
    if (failure_ || batch.empty() || late > 0) publish(failure_);
    if (late > 0 && options_.late_written) options_.late_written(late);
    if (failure_ || !writer_->has_unsigned()) {
      checkpoint_due_.reset();
    } else if (!checkpoint_due_ || now >= *checkpoint_due_) {
      checkpoint_due_ = now + options_.checkpoint_after;
    }
  }

  /// Late records first, then the batch. `done` counts what of the batch is durable (and was reported) when it ends, `late`
  /// what of the late records is.
  Result<void> write(Batch& batch, std::size_t& done, std::size_t& late) {
    TRY(writer_->prepare());
    const auto lost = lost_record();
    bool lost_added = false;
    std::size_t late_added = 0;
    std::size_t added = 0;
    const auto late_durable = [&] {
      late_.written(late_added);
      late += std::exchange(late_added, 0);
      if (lost_added) late_.forget_lost();
    };
    const auto add = [&](WallTime time, const std::string& body) -> Result<void> {
      if (!writer_->fits(body) || writer_->is_old(time)) {
        TRY(writer_->seal());
        late_durable();
        finish(batch, std::exchange(done, added), added);
        TRY(writer_->next_segment());
      }
      writer_->add(time, body);
      return {};
    };
    while (late_added < late_.waiting().size()) {
      TRY(add(clock_.wall(), late_.waiting()[late_added]));
      ++late_added;
    }
    if (lost) {
      TRY(add(clock_.wall(), *lost));
      lost_added = true;
    }
    for (; added < batch.size(); ++added) {
      if (!batch[added].body.empty()) TRY(add(batch[added].time, batch[added].body));
    }
    TRY(writer_->commit());
    late_durable();
    return {};
  }

  std::optional<std::string> lost_record() const {
    if (late_.lost().empty()) return std::nullopt;
    Record record;
    record.event = name_of(Event::incident);
    record.reason = "records were lost while the audit log could not be written; the journal has them";
    json::object events;
    for (const auto& [event, count] : late_.lost()) events[event] = count;
    record.details["lost"] = std::move(events);
    return encode_unchecked(record);
  }

  /// Memory is the only thing that throws here.
  template <class Work>
  Result<void> guarded(const Work& work) noexcept {
    try {
      return work();
    } catch (const std::exception& e) {
      writer_->abandon();
      return Error{Errc::internal, fmt::format("audit: {}", e.what())};
    }
  }

  static void finish(Batch& batch, std::size_t from, std::size_t to, const Result<void>& result = {}) {
    for (; from < to; ++from) {
      if (batch[from].done) std::exchange(batch[from].done, nullptr)(result);
    }
  }

  /// What is to be kept is kept before anybody is told.
  void fail(Batch& batch, std::size_t from, const Error& error) {
    std::vector<LateRecords::Item> items;
    std::vector<Kept> kept;
    const auto keeping = guarded([&]() -> Result<void> {
      for (std::size_t i = from; i < batch.size(); ++i) {
        if (batch[i].record) items.push_back({*batch[i].record, batch[i].time, batch[i].keep});
      }
      if (!items.empty()) kept = late_.keep(items);
      return {};
    });
    publish(error);  // whoever is told finds it counted
    std::size_t at = 0;
    for (std::size_t i = from; i < batch.size(); ++i) {
      const Item& item = batch[i];
      if (item.keep == Keep::no) continue;
      const Kept where = item.record && keeping && at < kept.size() ? kept[at++] : Kept::nowhere;
      say({"{" + item.body + "}", item.keep, where, error});
    }
    finish(batch, from, batch.size(), error);
  }

  void publish(const std::optional<Error>& failure) {
    const std::lock_guard lock(health_mutex_);
    health_.ok = !failure;
    health_.problem = failure ? failure->context : writer_->warning();
    health_.next_sequence = writer_->next_sequence();
    health_.records = writer_->records();
    health_.syncs = writer_->syncs();
    health_.late = late_.waiting().size();
    health_.late_unsafe = late_.unsafe();
    health_.late_problem = late_.problem();
  }

  const Options options_;
  const Clock& clock_;

  std::mutex mutex_;
  std::condition_variable wake_;
  Batch queue_;            // guarded by mutex_
  bool begun_ = false;     // guarded by mutex_: what is in the queue is to be written
  bool idle_ = false;      // guarded by mutex_: the writer sleeps and has not been woken yet
  bool stopping_ = false;  // guarded by mutex_
  bool probe_ = false;     // guarded by mutex_

  mutable std::mutex health_mutex_;
  Health health_;  // guarded by health_mutex_

  // The writer thread's own.
  std::unique_ptr<Writer> writer_;
  LateRecords late_;
  std::optional<Error> failure_;
  std::chrono::steady_clock::time_point retry_at_;
  std::optional<std::chrono::steady_clock::time_point> checkpoint_due_;
  std::thread thread_;
};

Log::Log(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Log::~Log() = default;

namespace {

/// A crash may have come between a late record's writing and the emptying of the reserve.
Result<void> drop_written(LateRecords& late, const std::filesystem::path& directory) {
  const auto segments = TRY(list_segments(directory));
  // Written as one batch, they can stand in two segments at most but for a batch as large as a segment.
  const std::size_t first = segments.size() < 3 ? 0 : segments.size() - 3;
  for (std::size_t i = first; i < segments.size(); ++i) {
    const std::string content = TRY(read_file(segments[i].path, max_segment_bytes));
    late.drop_written(content);
  }
  return {};
}

}  // namespace

Result<void> rotate_key(const Options& options, SigningKey key, SigningKey next, const Clock& clock) {
  return Writer::rotate(options, std::move(key), std::move(next), clock);
}

Result<std::unique_ptr<Log>> Log::open(const Options& options, SigningKey key, const Clock& clock) {
  auto writer = TRY(Writer::open(options, std::move(key), clock));
  LateRecords late(options.late_file, options.late_bytes);
  if (!late.waiting().empty()) TRY(drop_written(late, options.directory));
  return std::unique_ptr<Log>(
      new Log(std::make_unique<Impl>(options, clock, std::move(writer), std::move(late))));
}

void Log::append(Record record, Done done, Keep keep, Begin begin) {
  impl_->append(std::move(record), std::move(done), keep, begin);
}

void Log::begin() {
  impl_->begin();
}

void Log::when_settled(Done done) {
  impl_->when_settled(std::move(done));
}

Result<void> Log::append_and_wait(Record record) {
  std::mutex mutex;
  std::condition_variable ready;
  std::optional<Result<void>> answer;
  append(std::move(record), [&](const Result<void>& result) {
    // Notified under the lock: once it is free, the waiter's stack may be gone.
    const std::lock_guard lock(mutex);
    answer = result;
    ready.notify_one();
  });
  std::unique_lock lock(mutex);
  ready.wait(lock, [&] { return answer.has_value(); });
  return *answer;
}

Log::Health Log::health() const {
  return impl_->health();
}

}  // namespace cardgate::audit
