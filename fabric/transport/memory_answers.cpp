#include "fabric/transport/memory_answers.hpp"

#include <cstdint>
#include <map>
#include <mutex>
#include <utility>

#include "fabric/transport/memory_inbox.hpp"

namespace weft::fabric {
namespace {

struct StoredRequest {
    std::string who;
    StoredMessage message;
};

struct AnswerEnd {
    std::string endpoint;
    Inbox<StoredRequest> requests;
};

struct RequestEnd {
    std::string who, endpoint;
    Inbox<StoredMessage> answers;
};

StoredMessage stored(std::string_view topic, std::string_view contents, std::string_view proof) {
    return {std::string{topic}, std::string{contents}, std::string{proof}};
}

}  // namespace

/// Who is bound and who asks.
class MemoryAnswers::Exchange {
public:
    explicit Exchange(std::size_t limit) : limit_(limit) {}

    bool bind(const std::shared_ptr<AnswerEnd>& end) {
        const std::scoped_lock lock(mutex_);
        return bound_.emplace(end->endpoint, end).second;
    }
    void unbind(const AnswerEnd& end) {
        const std::scoped_lock lock(mutex_);
        bound_.erase(end.endpoint);
    }
    void add(const std::shared_ptr<RequestEnd>& end) {
        const std::scoped_lock lock(mutex_);
        end->who = "peer " + std::to_string(++next_);
        asking_.emplace(end->who, end);
    }
    void remove(const RequestEnd& end) {
        const std::scoped_lock lock(mutex_);
        asking_.erase(end.who);
    }
    bool ask(const RequestEnd& from, StoredMessage message) {
        const std::scoped_lock lock(mutex_);
        const auto found = bound_.find(from.endpoint);
        return found != bound_.end() &&
               found->second->requests.push({from.who, std::move(message)}, limit_);
    }
    bool answer(const AnswerEnd& from, std::string_view who, StoredMessage message) {
        const std::scoped_lock lock(mutex_);
        const auto found = asking_.find(who);
        return found != asking_.end() && found->second->endpoint == from.endpoint &&
               found->second->answers.push(std::move(message), limit_);
    }

private:
    const std::size_t limit_;
    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<AnswerEnd>, std::less<>> bound_;
    std::map<std::string, std::shared_ptr<RequestEnd>, std::less<>> asking_;
    std::uint64_t next_ = 0;
};

namespace {

class MemoryAnswerPort final : public AnswerPort {
public:
    MemoryAnswerPort(std::shared_ptr<MemoryAnswers::Exchange> exchange,
                     std::shared_ptr<AnswerEnd> end)
        : exchange_(std::move(exchange)), end_(std::move(end)) {}
    ~MemoryAnswerPort() override { exchange_->unbind(*end_); }

    bool receive(std::string_view& who, Arrival& arrival) override {
        if (!end_->requests.pop(current_)) return false;
        who = current_.who;
        const StoredMessage& message = current_.message;
        arrival = {3, message.topic, message.contents, message.proof};
        return true;
    }
    std::string peer() const override { return "inproc#" + current_.who; }
    bool send(std::string_view who, std::string_view topic, std::string_view contents,
              std::string_view proof) override {
        return exchange_->answer(*end_, who, stored(topic, contents, proof));
    }
    void wait(std::chrono::milliseconds timeout) override { end_->requests.wait(timeout); }
    void wake() override { end_->requests.wake(); }
    std::string bound() const override { return end_->endpoint; }

private:
    std::shared_ptr<MemoryAnswers::Exchange> exchange_;
    std::shared_ptr<AnswerEnd> end_;
    StoredRequest current_;
};

class MemoryRequestPort final : public RequestPort {
public:
    explicit MemoryRequestPort(std::shared_ptr<MemoryAnswers::Exchange> exchange)
        : exchange_(std::move(exchange)), end_(std::make_shared<RequestEnd>()) {}
    ~MemoryRequestPort() override {
        if (!end_->endpoint.empty()) exchange_->remove(*end_);
    }

    tl::expected<void, std::string> connect(const std::string& endpoint) override {
        if (!end_->endpoint.empty()) {
            return tl::make_unexpected("cannot connect to " + endpoint + ": this port asks " +
                                       end_->endpoint + " already");
        }
        end_->endpoint = endpoint;
        exchange_->add(end_);
        return {};
    }
    bool send(std::string_view topic, std::string_view contents, std::string_view proof) override {
        return exchange_->ask(*end_, stored(topic, contents, proof));
    }
    bool receive(Arrival& arrival) override {
        if (!end_->answers.pop(current_)) return false;
        arrival = {3, current_.topic, current_.contents, current_.proof};
        return true;
    }
    std::string peer() const override { return "inproc"; }
    void wait(std::chrono::milliseconds timeout) override { end_->answers.wait(timeout); }
    void wake() override { end_->answers.wake(); }

private:
    std::shared_ptr<MemoryAnswers::Exchange> exchange_;
    std::shared_ptr<RequestEnd> end_;
    StoredMessage current_;
};

}  // namespace

MemoryAnswers::MemoryAnswers(std::size_t limit) : exchange_(std::make_shared<Exchange>(limit)) {}

tl::expected<std::unique_ptr<AnswerPort>, std::string> MemoryAnswers::bind(
    const std::vector<std::string>& endpoints) {
    std::string tried;
    for (const std::string& endpoint : endpoints) {
        auto end = std::make_shared<AnswerEnd>();
        end->endpoint = endpoint;
        if (exchange_->bind(end)) return std::make_unique<MemoryAnswerPort>(exchange_, end);
        tried += (tried.empty() ? "" : "; ") + ("cannot bind " + endpoint + ": it is taken");
    }
    return tl::make_unexpected(tried.empty() ? "no endpoint to bind was given" : tried);
}

std::unique_ptr<RequestPort> MemoryAnswers::open() {
    return std::make_unique<MemoryRequestPort>(exchange_);
}

}  // namespace weft::fabric
