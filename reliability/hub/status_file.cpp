#include "reliability/hub/status_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>

#include "fabric/message/json_form.hpp"
#include "fabric/message/value.hpp"

namespace weft::reliability::hub {
namespace {

using fabric::Value;

constexpr unsigned slots_max = 64;

std::filesystem::path path_of(const std::filesystem::path& directory, unsigned slot) {
    return directory / ("hub." + std::to_string(slot) + ".status");
}

Value value_of(const ConsumerStatus& c) {
    const FeedStats& f = c.feed;
    return Value::Map{{"name", c.name},
                      {"kind", c.kind},
                      {"topics", c.topics},
                      {"state", c.state},
                      {"why", c.why},
                      {"details", c.details},
                      {"durable", c.durable},
                      {"waiting", c.waiting},
                      {"in_hand", c.in_hand},
                      {"oldest_in_hand_ms", c.oldest_in_hand.count()},
                      {"taken", f.taken},
                      {"done", f.done},
                      {"retried", f.retried},
                      {"given_up", f.given_up},
                      {"dead_unsaid", f.dead_unsaid},
                      {"lost", f.lost},
                      {"passed_over", f.passed_over},
                      {"dropped", f.dropped},
                      {"refused", f.refused},
                      {"late", f.late},
                      {"seen_again", f.seen_again},
                      {"acks", f.acks},
                      {"unanswered", f.unanswered},
                      {"last_error", c.last_error},
                      {"last_error_us", c.last_error_us}};
}

template <class Number>
void read(const Value& map, const char* key, Number& number) {
    number = static_cast<Number>(map[key].integer_or(static_cast<std::int64_t>(number)));
}

void read(const Value& map, const char* key, bool& flag) {
    if (const bool* found = map[key].flag()) flag = *found;
}

void read(const Value& map, const char* key, std::string& text) {
    text = map[key].text_or(text);
}

ConsumerStatus consumer_of(const Value& map) {
    ConsumerStatus c;
    read(map, "name", c.name);
    read(map, "kind", c.kind);
    read(map, "topics", c.topics);
    read(map, "state", c.state);
    read(map, "why", c.why);
    read(map, "details", c.details);
    read(map, "durable", c.durable);
    read(map, "waiting", c.waiting);
    read(map, "in_hand", c.in_hand);
    c.oldest_in_hand = std::chrono::milliseconds{map["oldest_in_hand_ms"].integer_or(0)};
    read(map, "taken", c.feed.taken);
    read(map, "done", c.feed.done);
    read(map, "retried", c.feed.retried);
    read(map, "given_up", c.feed.given_up);
    read(map, "dead_unsaid", c.feed.dead_unsaid);
    read(map, "lost", c.feed.lost);
    read(map, "passed_over", c.feed.passed_over);
    read(map, "dropped", c.feed.dropped);
    read(map, "refused", c.feed.refused);
    read(map, "late", c.feed.late);
    read(map, "seen_again", c.feed.seen_again);
    read(map, "acks", c.feed.acks);
    read(map, "unanswered", c.feed.unanswered);
    read(map, "last_error", c.last_error);
    read(map, "last_error_us", c.last_error_us);
    return c;
}

}  // namespace

std::string encode_status(const HubStatus& status) {
    Value::List consumers;
    for (const ConsumerStatus& consumer : status.consumers) consumers.push_back(value_of(consumer));
    return fabric::to_json(Value(Value::Map{{"hub", status.hub},
                                            {"pid", status.pid},
                                            {"started_us", status.started_us},
                                            {"written_us", status.written_us},
                                            {"stopping", status.stopping},
                                            {"consumers", std::move(consumers)}}));
}

std::optional<HubStatus> decode_status(const std::string& json) {
    const auto value = fabric::from_json(json);
    if (!value) return std::nullopt;
    HubStatus status;
    read(*value, "hub", status.hub);
    read(*value, "pid", status.pid);
    read(*value, "started_us", status.started_us);
    read(*value, "written_us", status.written_us);
    read(*value, "stopping", status.stopping);
    if (const Value::List* consumers = (*value)["consumers"].list()) {
        for (const Value& consumer : *consumers) status.consumers.push_back(consumer_of(consumer));
    }
    return status;
}

tl::expected<std::unique_ptr<StatusFile>, std::string> StatusFile::open(
    const std::filesystem::path& directory) {
    std::error_code made;
    std::filesystem::create_directories(directory, made);
    int error = made.value();
    for (unsigned slot = 0; slot < slots_max && error == 0; ++slot) {
        const int fd = ::open(path_of(directory, slot).c_str(),
                              O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
        if (fd < 0) {
            error = errno;
            break;
        }
        if (::flock(fd, LOCK_EX | LOCK_NB) == 0) {
            // What another hub left there is not about us.
            static_cast<void>(::ftruncate(fd, 0));
            return std::unique_ptr<StatusFile>(new StatusFile(fd));
        }
        ::close(fd);
    }
    return tl::make_unexpected(
        "cannot say how the hub is in " + directory.string() + ": " +
        (error == 0 ? std::string{"64 hubs run there"} : std::generic_category().message(error)) +
        "; hub.state names the directory");
}

StatusFile::~StatusFile() {
    static_cast<void>(::ftruncate(fd_, 0));
    ::close(fd_);
}

bool StatusFile::write(const HubStatus& status) {
    const std::string text = encode_status(status) + "\n";
    // One write: a reader sees it whole, or the rest of a longer one behind it, which is no JSON.
    const ssize_t written = ::pwrite(fd_, text.data(), text.size(), 0);
    return written == static_cast<ssize_t>(text.size()) && ::ftruncate(fd_, written) == 0;
}

std::vector<HubStatus> read_status_files(const std::filesystem::path& directory) {
    std::vector<HubStatus> hubs;
    for (unsigned slot = 0; slot < slots_max; ++slot) {
        const auto path = path_of(directory, slot);
        const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0) continue;
        const bool lives = ::flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
        ::close(fd);
        constexpr int attempts = 10;  // it may be written while we read
        for (int i = 0; lives && i < attempts; ++i) {
            std::ifstream file(path);
            const std::string text{std::istreambuf_iterator<char>(file), {}};
            if (auto status = decode_status(text)) {
                hubs.push_back(std::move(*status));
                break;
            }
        }
    }
    return hubs;
}

}  // namespace weft::reliability::hub
