#include "gateway/delivery/resolver.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace weft::gateway::delivery {
namespace {

using Steady = std::chrono::steady_clock;

Resolver::Answer ask_system(const std::string& host) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
    if (error != 0) {
        return tl::make_unexpected("the callback's host is not known: " +
                                   std::string{::gai_strerror(error)});
    }
    std::vector<Address> addresses;
    for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
        if (const auto address = Address::of(*one->ai_addr)) addresses.push_back(*address);
    }
    ::freeaddrinfo(found);
    if (addresses.empty()) {
        return tl::make_unexpected(std::string{"the callback's host has no address"});
    }
    return addresses;
}

}  // namespace

/// Both threads keep it alive: one that is inside getaddrinfo may outlive the resolver.
struct SystemResolver::Desk {
    struct Question {
        std::string host;
        OnResolved done;
        Steady::time_point deadline;
        bool asking = false;
    };

    /// With the lock held: the front is answered, or gone.
    void ask(std::unique_lock<std::mutex>& lock) {
        const auto question = questions.front();
        question->asking = true;
        lock.unlock();
        Answer answer = ask_system(question->host);
        lock.lock();
        if (!questions.empty() && questions.front() == question) questions.pop_front();
        const OnResolved done = std::exchange(question->done, {});
        lock.unlock();
        if (done) done(std::move(answer));
        lock.lock();
    }

    void run() {
        std::unique_lock lock(mutex);
        while (true) {
            changed.wait(lock, [&] { return stopping || !questions.empty(); });
            if (stopping) return;
            ask(lock);
        }
    }

    /// Answers those who have waited long enough.
    void watch() {
        std::unique_lock lock(mutex);
        while (!stopping) {
            if (watched.empty()) {
                changed.wait(lock);
                continue;
            }
            const auto question = watched.front();
            if (question->done && Steady::now() < question->deadline) {
                changed.wait_until(lock, question->deadline);
                continue;
            }
            watched.pop_front();
            if (const OnResolved done = std::exchange(question->done, {})) {
                lock.unlock();
                done(tl::make_unexpected(
                    std::string{"the callback's host could not be looked up in time; try again"}));
                lock.lock();
            }
            if (!question->asking) std::erase(questions, question);
        }
    }

    std::mutex mutex;  // guards everything
    std::condition_variable changed;
    std::deque<std::shared_ptr<Question>> questions, watched;
    bool stopping = false;
    std::chrono::milliseconds patience{};
    std::thread watcher;
};

SystemResolver::SystemResolver(std::chrono::milliseconds patience)
    : desk_(std::make_shared<Desk>()) {
    desk_->patience = patience;
    desk_->watcher = std::thread([desk = desk_.get()] { desk->watch(); });
    std::thread([desk = desk_] { desk->run(); }).detach();
}

SystemResolver::~SystemResolver() {
    std::deque<std::shared_ptr<Desk::Question>> left;
    {
        const std::scoped_lock lock(desk_->mutex);
        desk_->stopping = true;
        left.swap(desk_->watched);
        desk_->questions.clear();
        desk_->changed.notify_all();
    }
    desk_->watcher.join();
    for (const auto& question : left) {
        OnResolved done;
        {
            const std::scoped_lock lock(desk_->mutex);
            done = std::exchange(question->done, {});
        }
        if (done) done(tl::make_unexpected(std::string{"the gateway stops"}));
    }
}

void SystemResolver::resolve(std::string host, OnResolved done) {
    {
        const std::scoped_lock lock(desk_->mutex);
        if (desk_->questions.size() < waiting_max) {
            auto question = std::make_shared<Desk::Question>(
                Desk::Question{std::move(host), std::move(done), Steady::now() + desk_->patience});
            desk_->questions.push_back(question);
            desk_->watched.push_back(std::move(question));
            desk_->changed.notify_all();
            return;
        }
    }
    done(tl::make_unexpected(
        std::string{"too many callbacks are being looked up; try again in a moment"}));
}

}  // namespace weft::gateway::delivery
