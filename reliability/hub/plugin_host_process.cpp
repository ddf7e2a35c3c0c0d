#include "reliability/hub/plugin_host_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <map>
#include <mutex>
#include <utility>

#include "fabric/message/codec.hpp"
#include "reliability/hub/plugin_frames.hpp"
#include "reliability/hub/plugin_handler.hpp"
#include "signing/digest.hpp"

namespace weft::reliability::hub {
namespace {

constexpr int hub_socket = 3;
/// The hub sends one thing at a time: Start, a message, Stop.
constexpr std::size_t orders_max = 4;

/// There is nobody left to tell. Not exit(): the plugin may be at work in another thread.
[[noreturn]] void leave_at_once(const char* why) {
    static_cast<void>(!std::fprintf(stderr, "weft hub-plugin: %s\n", why));
    ::_exit(1);
}

/// The hub at the other end of the socket.
class HubLink final : public Surroundings {
public:
    HubLink() = default;
    HubLink(const HubLink&) = delete;
    HubLink& operator=(const HubLink&) = delete;

    void set_hub(std::string_view name) { hub_ = name; }

    tl::expected<fabric::MessageId, std::string> publish(const Wanted& wanted,
                                                         const fabric::MessageId& parent) override {
        frames::Publish said;
        said.topic = wanted.topic;
        said.body = wanted.body;
        said.content_type = wanted.content_type;
        said.headers = wanted.headers;
        said.durable = wanted.durable;
        said.caused = !parent.is_none();
        {
            const std::scoped_lock lock(mutex_);
            said.number = ++published_;
            waiting_.emplace(said.number, std::nullopt);
        }
        if (!send(said)) {
            const std::scoped_lock lock(mutex_);
            waiting_.erase(said.number);
            return tl::make_unexpected("the message is too large: at most " +
                                       std::to_string(fabric::headers_max) + " headers and " +
                                       std::to_string(frames::frame_bytes_max) + " bytes");
        }
        std::unique_lock lock(mutex_);
        read_until(lock, [&] { return waiting_.at(said.number).has_value(); });
        auto answer = *std::move(waiting_.at(said.number));
        waiting_.erase(said.number);
        return answer;
    }
    void log(Level level, std::string_view, std::string_view line) override {
        static_cast<void>(send(frames::Log{static_cast<std::uint64_t>(level), line}));
    }
    [[nodiscard]] std::string_view hub_name() const override { return hub_; }

    /// False if it is longer than a frame may be.
    bool send(const frames::ToHub& said) {
        const auto frame = frames::encode(said);
        if (!frame) return false;
        const std::scoped_lock lock(sending_);
        for (std::string_view rest = *frame; !rest.empty();) {
            const ssize_t sent = ::send(hub_socket, rest.data(), rest.size(), MSG_NOSIGNAL);
            if (sent < 0 && errno == EINTR) continue;
            if (sent <= 0) leave_at_once("the hub is gone");
            rest.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }
    /// The payload of the hub's next Start, Deliver or Stop.
    std::string next_order() {
        std::unique_lock lock(mutex_);
        read_until(lock, [&] { return !orders_.empty(); });
        std::string payload = std::move(orders_.front());
        orders_.pop_front();
        return payload;
    }

private:
    /// Whoever waits for something reads, one thread at a time, for the others as well: a message
    /// then costs no change of threads. Nobody reads while nobody waits; the hub, which kills us
    /// where we are too slow for it, does not mind.
    template <class Arrived>
    void read_until(std::unique_lock<std::mutex>& lock, Arrived arrived) {
        while (!arrived()) {
            if (reading_) {
                changed_.wait(lock);
                continue;
            }
            reading_ = true;
            lock.unlock();
            read_some();
            lock.lock();
            reading_ = false;
            for (auto payload = reader_.next();; payload = reader_.next()) {
                if (!payload) leave_at_once(payload.error().c_str());
                if (!payload->has_value()) break;
                accept(**std::move(payload));
            }
            changed_.notify_all();
        }
    }
    /// By the one who reads.
    void read_some() {
        // A recv() that waits is also woken whenever the hub has read what we sent; poll() is not.
        pollfd readable{hub_socket, POLLIN, 0};
        ::poll(&readable, 1, -1);
        ssize_t got = 0;
        do {
            got = ::recv(hub_socket, bytes_.data(), bytes_.size(), 0);
        } while (got < 0 && errno == EINTR);
        if (got <= 0) leave_at_once("the hub is gone");
        reader_.take({bytes_.data(), static_cast<std::size_t>(got)});
    }
    /// With the mutex held, as is the next.
    void accept(std::string payload) {
        const auto said = frames::decode_to_process(payload);
        if (!said) leave_at_once(said.error().c_str());
        if (const auto* answer = std::get_if<frames::Answer>(&*said)) {
            keep(*answer);
        } else if (orders_.size() < orders_max) {
            orders_.push_back(std::move(payload));
        } else {
            leave_at_once("the hub sends more than it may");
        }
    }
    void keep(const frames::Answer& answer) {
        const auto waiting = waiting_.find(answer.number);
        if (waiting == waiting_.end()) leave_at_once("the hub answers what was not asked");
        const auto id = fabric::MessageId::from_bytes(answer.text);
        if (!answer.published) {
            waiting->second = tl::make_unexpected(std::string{answer.text});
        } else if (id) {
            waiting->second = *id;
        } else {
            leave_at_once("the hub answers without an id");
        }
    }

    std::string hub_;
    std::mutex sending_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::string> orders_;
    std::map<std::uint64_t, std::optional<tl::expected<fabric::MessageId, std::string>>> waiting_;
    std::uint64_t published_ = 0;
    bool reading_ = false;  ///< Somebody does; the next two are theirs.
    frames::Reader reader_;
    std::array<char, 65'536> bytes_{};
};

/// Certificates as they come: a run of messages is mostly of one signer.
class LastSigner {
public:
    using Signer = std::shared_ptr<const signing::Certificate>;
    tl::expected<Signer, std::string> of(std::string_view certificate) {
        if (certificate.empty()) return Signer{};
        if (last_ == nullptr || last_->bytes() != certificate) {
            auto read = signing::Certificate::read_unverified(certificate);
            if (!read) return tl::make_unexpected(read.error().detail);
            last_ = *std::move(read);
        }
        return last_;
    }

private:
    Signer last_;
};

/// As the hub had it. The hub has verified it; here nothing is believed that was not before.
tl::expected<fabric::Message, std::string> message_of(const frames::Deliver& said,
                                                      LastSigner& last) {
    auto run = std::make_shared<fabric::RunBytes>(said.topic, said.content, "");
    auto signer = last.of(said.certificate);
    if (!signer) return tl::make_unexpected(std::move(signer).error());
    run->signer = *std::move(signer);
    run->verified = said.verified;
    fabric::DecodedContent content;
    const auto decoded = fabric::decode_content(run->contents, content);
    if (!decoded) return tl::make_unexpected(decoded.error());
    const std::string_view raw = run->contents;
    const auto digest = signing::message_digest(run->topic, raw);
    fabric::Message message(std::move(run), std::move(content), raw, digest);
    if (said.replayed) message.mark_replayed(said.journal_id);
    return message;
}

/// The plugin and its one worker.
class Work {
public:
    explicit Work(HubLink& hub) : hub_(hub) {}

    bool start(const frames::Start& said) {
        hub_.set_hub(said.hub);
        ConsumerSettings settings;
        settings.name = said.consumer;
        settings.plugin = std::string{said.plugin};
        settings.settings_json = said.settings_json;
        host_ = make_plugin_in_process(settings, hub_);
        if (const auto started = host_->start(); !started) {
            static_cast<void>(hub_.send(frames::Failed{started.error()}));
            return false;
        }
        handler_ = host_->make();
        static_cast<void>(hub_.send(frames::Started{}));
        return true;
    }
    void deliver(const frames::Deliver& said) {
        if (handler_ == nullptr) leave_at_once("the hub sends a message before a start");
        const auto message = message_of(said, signer_);
        if (!message) leave_at_once(message.error().c_str());
        const Verdict verdict = handler_->handle(*message, static_cast<unsigned>(said.attempt));
        static_cast<void>(hub_.send(
            frames::Judged{said.number, static_cast<std::uint64_t>(verdict.is), verdict.reason}));
    }
    /// However long it takes: the hub has the patience, and kills.
    void stop() {
        if (host_ != nullptr) host_->stop(std::chrono::hours{24});
    }

private:
    HubLink& hub_;
    LastSigner signer_;
    std::unique_ptr<HandlerHost> host_;
    std::unique_ptr<Handler> handler_;
};

bool is_socket(int file) {
    struct stat about {};
    return ::fstat(file, &about) == 0 && S_ISSOCK(about.st_mode);
}

}  // namespace

int run_plugin_host() {
    if (!is_socket(hub_socket)) {
        std::fputs(
            "this is how `weft hub` starts a plugin with `isolate: true`, with a socket as "
            "descriptor 3; it is no command for people\n",
            stderr);
        return 2;
    }
    // What the plugin starts has no business with the hub.
    ::fcntl(hub_socket, F_SETFD, FD_CLOEXEC);
    // The hub reads lines; into a pipe they would come in blocks.
    static_cast<void>(std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ));
    HubLink hub;
    Work work(hub);
    for (;;) {
        const std::string payload = hub.next_order();
        const auto said = frames::decode_to_process(payload);
        if (!said) leave_at_once(said.error().c_str());
        if (const auto* start = std::get_if<frames::Start>(&*said)) {
            if (!work.start(*start)) return 1;
        } else if (const auto* message = std::get_if<frames::Deliver>(&*said)) {
            work.deliver(*message);
        } else {
            work.stop();
            return 0;
        }
    }
}

}  // namespace weft::reliability::hub
