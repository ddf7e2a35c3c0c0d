#include "reliability/outbox/outbox.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <system_error>
#include <utility>

namespace weft::reliability {
namespace {

constexpr std::size_t problems_max = 100;
/// Below this a file is not worth rewriting.
constexpr std::uint64_t rewrite_from_bytes = std::uint64_t{1} << 20;

std::string because(int error) {
    return std::generic_category().message(error);
}

/// 0, or what errno said.
int write_at(int fd, std::string_view bytes, std::uint64_t offset) {
    while (!bytes.empty()) {
        const ssize_t put = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return errno;
        bytes.remove_prefix(static_cast<std::size_t>(put));
        offset += static_cast<std::uint64_t>(put);
    }
    return 0;
}

/// What is there, maybe less than asked for.
std::string read_at(int fd, std::uint64_t offset, std::size_t bytes) {
    std::string read(bytes, '\0');
    std::size_t have = 0;
    while (have < bytes) {
        const ssize_t got =
            ::pread(fd, read.data() + have, bytes - have, static_cast<off_t>(offset + have));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        have += static_cast<std::size_t>(got);
    }
    read.resize(have);
    return read;
}

bool flush_directory(const std::filesystem::path& directory) {
    const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return false;
    const bool done = ::fsync(fd) == 0;
    ::close(fd);
    return done;
}

}  // namespace

tl::expected<std::unique_ptr<Outbox>, std::string> Outbox::open(
    const std::filesystem::path& directory, std::uint64_t bytes_max) {
    const auto failed = [&](const std::string& why) {
        return tl::make_unexpected("outbox '" + directory.string() + "': " + why);
    };
    if (bytes_max < bytes_least) return failed("reliability.outbox_max must be 64KiB or more");
    std::error_code error;
    if (std::filesystem::create_directories(directory, error)) {
        std::filesystem::permissions(directory, std::filesystem::perms::owner_all, error);
    }
    const auto lock = directory / "lock";
    const int fd = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return failed("its lock cannot be opened: " + because(errno) +
                      " (make the directory writable, or set reliability.outbox)");
    }
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
        ::close(fd);
        return failed(
            "another process uses it; give each publisher one of its own (reliability.outbox)");
    }
    std::unique_ptr<Outbox> outbox(new Outbox(directory, bytes_max, fd));
    if (const std::string wrong = outbox->load(); !wrong.empty()) return failed(wrong);
    return outbox;
}

Outbox::~Outbox() {
    if (fd_ >= 0) {
        ::fdatasync(fd_);
        ::close(fd_);
    }
    ::close(lock_fd_);
}

// What is on disk.

std::string Outbox::load() {
    fd_ = ::open(file().c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat status {};
    if (fd_ < 0 || ::fstat(fd_, &status) != 0) return "its file: " + because(errno);
    if (!S_ISREG(status.st_mode)) return "'messages' in it is not a regular file";
    // Left over by a rewrite that was interrupted: the file itself is whole.
    ::unlink((directory_ / "messages.new").c_str());
    const auto size = static_cast<std::uint64_t>(status.st_size);
    const std::string bytes = read_at(fd_, 0, static_cast<std::size_t>(size));
    if (bytes.size() != size) return "its file cannot be read: " + because(errno);
    const std::string head = outbox_head();
    if (size >= outbox_head_bytes && bytes.compare(0, head.size(), head) == 0) {
        read_records(bytes);
    } else if (!bytes.empty() && std::string_view{head}.substr(0, size) != bytes) {
        // A head that is damaged: what follows it is found all the same, if there is anything.
        if (find_outbox_record(bytes) == std::string_view::npos) {
            return "'messages' in it is no outbox; move it away, or choose another directory";
        }
        read_records(bytes);
        damaged(0, outbox_head_bytes);
    } else {
        end_ = outbox_head_bytes;
    }
    if (const int wrong = write_at(fd_, head, 0); wrong != 0) {
        return "its file cannot be written: " + because(wrong);
    }
    if (::ftruncate(fd_, static_cast<off_t>(end_)) != 0 || ::fsync(fd_) != 0 ||
        !flush_directory(directory_)) {
        return "its file cannot be flushed: " + because(errno);
    }
    return "";
}

void Outbox::read_records(std::string_view bytes) {
    std::size_t at = outbox_head_bytes;
    while (at < bytes.size()) {
        auto record = read_outbox_record(bytes.substr(at));
        if (!record) {
            const std::size_t next = find_outbox_record(bytes.substr(at));
            // Nothing whole follows: a crash cut it off before anybody was told yes.
            if (next == std::string_view::npos) break;
            damaged(at, next);
            at += next;
            continue;
        }
        if (record->is == OutboxRecord::Is::message) {
            if (!by_id_.contains(record->id)) remember(at, record->bytes, record->id);
        } else {
            forget(record->id);
        }
        at += record->bytes;
    }
    end_ = at;
}

void Outbox::damaged(std::uint64_t offset, std::uint64_t bytes) {
    ++counted_.damaged;
    if (problems_.size() >= problems_max) return;
    problems_.push_back(named() + ": " + std::to_string(bytes) + " bytes at " +
                        std::to_string(offset) +
                        " are damaged; a message that was there is not submitted again, and one "
                        "that was acknowledged there may be");
}

void Outbox::remember(std::uint64_t offset, std::size_t bytes, const fabric::MessageId& id) {
    by_id_[id] = next_place_;
    places_[next_place_++] = {offset, bytes, id};
    live_bytes_ += bytes;
}

void Outbox::forget(const fabric::MessageId& id) {
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return;
    const auto place = places_.find(found->second);
    live_bytes_ -= place->second.bytes;
    places_.erase(place);
    by_id_.erase(found);
}

// Adding and settling.

tl::expected<void, Outbox::Error> Outbox::write_record(std::string_view record) {
    const int wrong = write_at(fd_, record, end_);
    if (wrong == 0) {
        end_ += record.size();
        return {};
    }
    // What was written of it must not stand before the next one; if it stays, it is passed over.
    if (::ftruncate(fd_, static_cast<off_t>(end_)) != 0) ++counted_.damaged;
    return tl::make_unexpected(
        Error{Error::Reason::disk, named() + " cannot be written: " + because(wrong) +
                                       "; make room on its disk, and publish again"});
}

tl::expected<void, Outbox::Error> Outbox::make_room(std::size_t bytes,
                                                    std::unique_lock<std::mutex>& lock) {
    if (!broken_.empty()) return tl::make_unexpected(Error{Error::Reason::broken, broken_});
    if (end_ + held_bytes_ + bytes <= bytes_max_) return {};
    // What is settled makes room, but not for each message anew.
    const std::uint64_t settled = end_ - outbox_head_bytes - live_bytes_;
    if (settled >= bytes && settled >= bytes_max_ / 8) {
        static_cast<void>(rewrite(lock));
        if (!broken_.empty()) return tl::make_unexpected(Error{Error::Reason::broken, broken_});
        if (end_ + held_bytes_ + bytes <= bytes_max_) return {};
    }
    return tl::make_unexpected(
        Error{Error::Reason::full,
              named() + " is full: " + std::to_string(places_.size()) + " messages (" +
                  std::to_string(live_bytes_) +
                  " bytes) wait for a journal, and reliability.outbox_max is " +
                  std::to_string(bytes_max_) +
                  " bytes; bring a journal back (`weft check` shows which are away), or raise it"});
}

tl::expected<Outbox::Room, Outbox::Error> Outbox::hold_room(std::size_t topic_bytes,
                                                            std::size_t content_bytes) {
    const std::size_t bytes = outbox_bytes_of(topic_bytes, content_bytes);
    if (auto fits = fits_at_all(bytes, topic_bytes); !fits) {
        return tl::make_unexpected(fits.error());
    }
    std::unique_lock lock(mutex_);
    if (auto room = make_room(bytes, lock); !room) return tl::make_unexpected(room.error());
    held_bytes_ += bytes;
    return Room(*this, bytes);
}

void Outbox::let_go(std::size_t room_bytes) {
    const std::scoped_lock lock(mutex_);
    held_bytes_ -= room_bytes;
}

tl::expected<void, Outbox::Error> Outbox::fits_at_all(std::size_t bytes,
                                                      std::size_t topic_bytes) const {
    if (topic_bytes <= 255 && bytes <= outbox_payload_bytes_max &&
        bytes + outbox_head_bytes <= bytes_max_) {
        return {};
    }
    return tl::make_unexpected(
        Error{Error::Reason::too_large,
              named() + ": a message of " + std::to_string(bytes) +
                  " bytes does not fit in at all; it takes 16 MiB, and reliability.outbox_max"});
}

tl::expected<Outbox::Ticket, Outbox::Error> Outbox::append_here(const std::string& record,
                                                                const fabric::MessageId& id) {
    if (!broken_.empty()) return tl::make_unexpected(Error{Error::Reason::broken, broken_});
    if (by_id_.contains(id)) return appended_;
    const std::uint64_t offset = end_;
    if (auto written = write_record(record); !written) {
        return tl::make_unexpected(written.error());
    }
    remember(offset, record.size(), id);
    return ++appended_;
}

tl::expected<Outbox::Ticket, Outbox::Error> Outbox::append(const OutboxMessage& message) {
    const std::size_t bytes = outbox_bytes_of(message.topic, message.content);
    if (auto fits = fits_at_all(bytes, message.topic.size()); !fits) {
        return tl::make_unexpected(fits.error());
    }
    const std::string record = encode_outbox_message(message);
    std::unique_lock lock(mutex_);
    if (!by_id_.contains(message.id)) {
        if (auto room = make_room(bytes, lock); !room) return tl::make_unexpected(room.error());
    }
    return append_here(record, message.id);
}

tl::expected<Outbox::Ticket, Outbox::Error> Outbox::append(const OutboxMessage& message,
                                                           Room room) {
    assert(room.outbox_ == this && room.bytes_ == outbox_bytes_of(message.topic, message.content));
    const std::string record = encode_outbox_message(message);
    const std::scoped_lock lock(mutex_);
    held_bytes_ -= room.bytes_;
    room.outbox_ = nullptr;
    return append_here(record, message.id);
}

tl::expected<void, Outbox::Error> Outbox::wait(Ticket ticket) {
    std::unique_lock lock(mutex_);
    flushed_.wait(lock, [&] { return !flushing_ || durable_ >= ticket || !broken_.empty(); });
    if (durable_ >= ticket) return {};
    if (!broken_.empty()) return tl::make_unexpected(Error{Error::Reason::broken, broken_});
    flushing_ = true;
    const Ticket up_to = appended_;
    lock.unlock();
    const int wrong = ::fdatasync(fd_) == 0 ? 0 : errno;
    lock.lock();
    flushing_ = false;
    ++counted_.flushes;
    if (wrong == 0) {
        durable_ = up_to;
    } else {
        broken_ = named() + " could not be flushed: " + because(wrong) +
                  "; what it holds is not certain, so it takes no more: look at the disk, then "
                  "start the publisher again";
    }
    flushed_.notify_all();
    if (wrong == 0) return {};
    return tl::make_unexpected(Error{Error::Reason::broken, broken_});
}

tl::expected<void, Outbox::Error> Outbox::add(const OutboxMessage& message) {
    const auto ticket = append(message);
    if (!ticket) return tl::make_unexpected(ticket.error());
    return wait(*ticket);
}

bool Outbox::settle(const fabric::MessageId& id) {
    std::unique_lock lock(mutex_);
    if (!by_id_.contains(id)) return false;
    // Beyond the bound by these few bytes if need be: settling is what makes room.
    static_cast<void>(write_record(encode_outbox_settled(id)));
    forget(id);
    if (worth_rewriting()) static_cast<void>(rewrite(lock));
    return true;
}

// Rewriting.

bool Outbox::worth_rewriting() const noexcept {
    return end_ >= rewrite_from_bytes && live_bytes_ < end_ / 4;
}

std::string Outbox::read_back(const Place& place) const {
    return read_at(fd_, place.offset, place.bytes);
}

std::string Outbox::rewrite(std::unique_lock<std::mutex>& lock) {
    // Nobody may flush a file that is being left.
    flushed_.wait(lock, [&] { return !flushing_; });
    const auto temporary = directory_ / "messages.new";
    const int fd =
        ::open(temporary.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return because(errno);
    const std::string head = outbox_head();
    int wrong = write_at(fd, head, 0);
    std::uint64_t end = head.size();
    std::map<std::uint64_t, Place> places;
    std::vector<Place> lost;
    for (const auto& [number, place] : places_) {
        if (wrong != 0) break;
        const std::string record = read_back(place);
        if (!read_outbox_record(record)) {
            lost.push_back(place);
            continue;
        }
        wrong = write_at(fd, record, end);
        places[number] = {end, place.bytes, place.id};
        end += record.size();
    }
    if (wrong == 0 && ::fsync(fd) != 0) wrong = errno;
    if (wrong == 0 && ::rename(temporary.c_str(), file().c_str()) != 0) wrong = errno;
    if (wrong != 0) {
        ::close(fd);
        ::unlink(temporary.c_str());
        return because(wrong);
    }
    ::close(std::exchange(fd_, fd));
    end_ = end;
    ++counted_.rewrites;
    for (const Place& place : lost) {
        damaged(place.offset, place.bytes);
        forget(place.id);
    }
    places_ = std::move(places);
    if (!flush_directory(directory_)) {
        broken_ = named() +
                  " was rewritten, but its directory could not be flushed: " + because(errno) +
                  "; look at the disk, then start the publisher again";
    } else {
        durable_ = appended_;
    }
    flushed_.notify_all();
    return broken_;
}

std::vector<Outbox::Pending> Outbox::pending(std::uint64_t after, std::size_t bytes) {
    const std::scoped_lock lock(mutex_);
    std::vector<Pending> found;
    std::vector<Place> lost;
    std::size_t taken = 0;
    for (auto at = places_.upper_bound(after); at != places_.end(); ++at) {
        if (!found.empty() && taken + at->second.bytes > bytes) break;
        auto message = read_outbox_message(read_back(at->second));
        if (!message) {
            lost.push_back(at->second);
            continue;
        }
        taken += at->second.bytes;
        found.push_back({at->first, std::move(*message)});
    }
    for (const Place& place : lost) {
        damaged(place.offset, place.bytes);
        forget(place.id);
    }
    return found;
}

std::vector<Outbox::Kept> Outbox::kept() const {
    const std::scoped_lock lock(mutex_);
    std::vector<Kept> all;
    all.reserve(places_.size());
    for (const auto& [number, place] : places_) all.push_back({number, place.id, place.bytes});
    return all;
}

std::optional<Outbox::Kept> Outbox::find(const fabric::MessageId& id) const {
    const std::scoped_lock lock(mutex_);
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return std::nullopt;
    return Kept{found->second, id, places_.at(found->second).bytes};
}

std::optional<OutboxMessage> Outbox::read(const Kept& kept) {
    const std::scoped_lock lock(mutex_);
    const auto found = places_.find(kept.place);
    if (found == places_.end() || found->second.id != kept.id) return std::nullopt;
    auto message = read_outbox_message(read_back(found->second));
    if (!message) {
        damaged(found->second.offset, found->second.bytes);
        forget(kept.id);
    }
    return message;
}

Outbox::Stats Outbox::stats() const {
    const std::scoped_lock lock(mutex_);
    Stats stats = counted_;
    stats.messages = places_.size();
    stats.live_bytes = live_bytes_;
    stats.file_bytes = end_;
    return stats;
}

std::vector<std::string> Outbox::problems() const {
    const std::scoped_lock lock(mutex_);
    return problems_;
}

}  // namespace weft::reliability
