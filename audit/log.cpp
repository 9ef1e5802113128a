// SPDX-License-Identifier: Apache-2.0
#include "audit/log.hpp"

#include <fmt/format.h>

#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "audit/writer.hpp"

namespace cardgate::audit {

class Log::Impl {
 public:
  Impl(const Options& options, const Clock& clock, std::unique_ptr<Writer> writer)
      : options_(options), clock_(clock), writer_(std::move(writer)) {
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

  void append(const Record& record, Done done) {
    auto body = encode(record);
    if (!body) return refuse(done, std::move(body).error());
    bool idle = false;
    {
      std::unique_lock lock(mutex_);
      if (queue_.size() >= options_.queue_limit) {
        lock.unlock();
        return refuse(done, {Errc::unavailable, "audit: too many records wait for the disk"});
      }
      // Taken under the lock, so that times follow the sequence.
      queue_.push_back({clock_.wall(), std::move(*body), std::move(done)});
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
    if (!now.ok) probe();
    return now;
  }

 private:
  struct Item {
    WallTime time;
    std::string body;
    Done done;
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

  void run() noexcept {
    Batch batch;
    while (wait(batch)) {
      process(batch);
      batch.clear();
    }
    std::optional<Error> failure;
    if (auto closed = guarded([&] { return writer_->close(); }); !closed) failure = std::move(closed).error();
    publish(failure);
  }

  /// Takes the whole queue. An empty batch asks for a checkpoint, or to try the disk again; false is the end.
  bool wait(Batch& batch) {
    std::unique_lock lock(mutex_);
    const auto ready = [&] { return !queue_.empty() || stopping_ || probe_; };
    if (!ready()) {
      idle_ = true;
      if (!checkpoint_due_) {
        wake_.wait(lock, ready);
      } else if (!wake_.wait_until(lock, *checkpoint_due_, ready)) {
        idle_ = false;
        return true;
      }
      idle_ = false;
    }
    probe_ = false;
    std::swap(batch, queue_);
    return !batch.empty() || !stopping_;
  }

  void process(Batch& batch) {
    const auto now = std::chrono::steady_clock::now();
    if (failure_ && now < retry_at_) return finish(batch, 0, batch.size(), *failure_);
    std::size_t done = 0;
    auto result = guarded([&] { return write(batch, done); });
    if (result) {
      if (!batch.empty()) publish(std::nullopt);  // whoever is told finds it counted
      finish(batch, done, batch.size(), result);
      done = batch.size();
      const bool due = checkpoint_due_ && now >= *checkpoint_due_;
      result = guarded([&] { return writer_->settle(due); });
    }
    failure_.reset();
    if (!result) {
      failure_ = result.error();
      retry_at_ = std::chrono::steady_clock::now() + options_.retry_after;
    }
    if (failure_ || batch.empty()) publish(failure_);
    if (!result) finish(batch, done, batch.size(), result);
    if (failure_ || !writer_->has_unsigned()) {
      checkpoint_due_.reset();
    } else if (!checkpoint_due_ || now >= *checkpoint_due_) {
      checkpoint_due_ = now + options_.checkpoint_after;
    }
  }

  /// Writes the batch; `done` counts what is durable (and was reported) when it ends.
  Result<void> write(Batch& batch, std::size_t& done) {
    TRY(writer_->prepare());
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (!writer_->fits(batch[i].body)) {
        TRY(writer_->seal());
        finish(batch, std::exchange(done, i), i, Result<void>());
        TRY(writer_->next_segment());
      }
      writer_->add(batch[i].time, batch[i].body);
    }
    return writer_->commit();
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

  static void finish(Batch& batch, std::size_t from, std::size_t to, const Result<void>& result) {
    for (; from < to; ++from) {
      if (batch[from].done) std::exchange(batch[from].done, nullptr)(result);
    }
  }

  void publish(const std::optional<Error>& failure) {
    const std::lock_guard lock(health_mutex_);
    health_.ok = !failure;
    health_.problem = failure ? failure->context : writer_->warning();
    health_.next_sequence = writer_->next_sequence();
    health_.records = writer_->records();
    health_.syncs = writer_->syncs();
  }

  const Options options_;
  const Clock& clock_;

  std::mutex mutex_;
  std::condition_variable wake_;
  Batch queue_;            // guarded by mutex_
  bool idle_ = false;      // guarded by mutex_: the writer sleeps and has not been woken yet
  bool stopping_ = false;  // guarded by mutex_
  bool probe_ = false;     // guarded by mutex_

  mutable std::mutex health_mutex_;
  Health health_;  // guarded by health_mutex_

  // The writer thread's own.
  std::unique_ptr<Writer> writer_;
  std::optional<Error> failure_;
  std::chrono::steady_clock::time_point retry_at_;
  std::optional<std::chrono::steady_clock::time_point> checkpoint_due_;
  std::thread thread_;
};

Log::Log(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Log::~Log() = default;

Result<std::unique_ptr<Log>> Log::open(const Options& options, SigningKey key, const Clock& clock) {
  auto writer = TRY(Writer::open(options, std::move(key), clock));
  return std::unique_ptr<Log>(new Log(std::make_unique<Impl>(options, clock, std::move(writer))));
}

void Log::append(Record record, Done done) {
  impl_->append(record, std::move(done));
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
